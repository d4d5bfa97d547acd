package execs

import (
	"errors"
	"testing"
)

func TestAnEndingAgentBeginsNothingButGoesOnWithWhatIsThere(t *testing.T) {
	ending := errors.New("ending")
	m, err := New(Options{Admit: func() error { return ending }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.obtain("unknown-id", &Spec{}); !errors.Is(err, ending) {
		t.Fatalf("a new command: %v", err)
	}
	started := make(chan struct{})
	close(started)
	known := &Exec{id: "known-id", started: started}
	m.execs["known-id"] = known
	if e, err := m.obtain("known-id", &Spec{}); e != known || err != nil {
		t.Fatalf("a command that is there: %v, %v", e, err)
	}
}
