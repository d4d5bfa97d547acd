package server

import (
	"testing"
	"time"

	"podkit.dev/agent/internal/active"
)

func newIdle(t *testing.T) *Idle {
	t.Helper()
	clock := active.New(time.Second)
	clock.Hold()
	return NewIdle(clock)
}

func TestNothingBeginsAfterTheIdleStopWasDecided(t *testing.T) {
	i := newIdle(t)
	leave := i.Enter()
	if i.ShutAtRest(0) {
		t.Fatal("shut while something is done")
	}
	leave()
	if i.ShutAtRest(time.Hour) {
		t.Fatal("shut long before its time")
	}
	if !i.Admit() {
		t.Fatal("not admitted although it goes on")
	}
	if !i.ShutAtRest(0) {
		t.Fatal("not shut at rest")
	}
	if i.Admit() || i.Enter() != nil {
		t.Fatal("begun after the end was decided")
	}
}
