package execs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"podkit.dev/agent/internal/agenttest"
	"podkit.dev/agent/internal/frame"
)

func brief(t *testing.T, a *agenttest.Agent, id string, s spec, released string) *agenttest.Stream {
	t.Helper()
	stream, err := a.Client.Brief(id, s, released)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func listed(t *testing.T, a *agenttest.Agent, id string) bool {
	t.Helper()
	status, body, err := a.Client.Do("GET", "/v1/execs", nil)
	if err != nil || status != 200 {
		t.Fatalf("%d %s %v", status, body, err)
	}
	return strings.Contains(string(body), id)
}

func TestBriefEndsWithExit(t *testing.T) {
	a := agenttest.Start(t, nil)
	for name, size := range map[string]int{"short": 10, "long": 300_000} {
		t.Run(name, func(t *testing.T) {
			script := fmt.Sprintf("head -c %d /dev/zero | tr '\\0' x; echo é >&2; exit 3", size)
			s := brief(t, a, agenttest.ID(), spec{"argv": []string{"sh", "-c", script}, "maxOutputBytes": 1 << 20}, "")
			got, err := s.Collect(&agenttest.Result{})
			if err != nil || *got.Exit.ExitCode != 3 || len(got.Out) != size || string(got.Err) != "é\n" {
				t.Fatalf("%v %+v", err, got.Exit)
			}
			if f, err := s.Next(); !errors.Is(err, io.EOF) {
				t.Fatalf("after EXIT: %v %v", f, err)
			}
		})
	}
}

func TestBriefIsReleasedByAnother(t *testing.T) {
	a := agenttest.Start(t, nil)
	ids := []string{agenttest.ID(), agenttest.ID()}
	for _, id := range ids {
		if _, err := brief(t, a, id, spec{"argv": []string{"true"}, "maxOutputBytes": 10, "graceMs": 60_000}, "").Collect(&agenttest.Result{}); err != nil {
			t.Fatal(err)
		}
		if !listed(t, a, id) {
			t.Fatal("forgotten before its release")
		}
	}
	running := agenttest.ID()
	s := brief(t, a, running, spec{"argv": []string{"sleep", "60"}, "maxOutputBytes": 10, "graceMs": 100}, "")
	defer s.Cut()
	// Those that run, are unknown or are no ids at all are left alone.
	_, err := brief(t, a, agenttest.ID(), spec{"argv": []string{"true"}, "maxOutputBytes": 10}, ids[0]+","+running+",x,,"+ids[1]).Collect(&agenttest.Result{})
	if err != nil || listed(t, a, ids[0]) || listed(t, a, ids[1]) || !listed(t, a, running) {
		t.Fatalf("%v: the ended are there, or the running is not", err)
	}
	again, err := a.Client.Exec(ids[0], spec{"argv": []string{"true"}, "maxOutputBytes": 10})
	if err != nil || again.Status != 410 {
		t.Fatalf("started again: %v %+v", err, again)
	}
}

func TestBriefIsForgottenByItself(t *testing.T) {
	a := agenttest.Start(t, nil)
	id := agenttest.ID()
	if _, err := brief(t, a, id, spec{"argv": []string{"true"}, "maxOutputBytes": 10, "graceMs": 100}, "").Collect(&agenttest.Result{}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); listed(t, a, id); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("still there")
		}
	}
}

func TestBriefGoesOnAfterACut(t *testing.T) {
	a := agenttest.Start(t, nil)
	id := agenttest.ID()
	cmd := spec{"argv": []string{"sh", "-c", "echo one; sleep 0.3; echo two"}, "maxOutputBytes": 100, "graceMs": 10_000}
	first := brief(t, a, id, cmd, "")
	if f, err := first.Next(); err != nil || f.Type != frame.Started {
		t.Fatal(f, err)
	}
	first.Cut()
	got, err := a.Open(id, cmd).Run()
	if err != nil || !bytes.Equal(got.Out, []byte("one\ntwo\n")) || *got.Exit.ExitCode != 0 {
		t.Fatalf("%v %q", err, got.Out)
	}
}

func TestBriefIsCancelled(t *testing.T) {
	a := agenttest.Start(t, nil)
	s := brief(t, a, agenttest.ID(), spec{"argv": []string{"sleep", "60"}, "maxOutputBytes": 10}, "")
	if err := s.Send(frame.Cancel, nil); err != nil {
		t.Fatal(err)
	}
	got, err := s.Collect(&agenttest.Result{})
	if err != nil || !got.Exit.Cancelled {
		t.Fatalf("%v %+v", err, got.Exit)
	}
}

func TestBriefRefusesWhatIsNoSpec(t *testing.T) {
	a := agenttest.Start(t, nil)
	s := brief(t, a, agenttest.ID(), spec{"argv": []string{}}, "")
	if s.Status != 400 || !strings.Contains(string(s.Body), "argv") {
		t.Fatalf("%d %s", s.Status, s.Body)
	}
}
