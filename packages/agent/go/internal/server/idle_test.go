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
	return NewIdle(clock, time.Now())
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

func TestAnUnusedAgentWasLastActiveAtItsStart(t *testing.T) {
	clock := active.New(time.Second)
	t.Cleanup(clock.Hold())
	started := time.Now().Add(-time.Second)
	idle := NewIdle(clock, started)
	if _, last := idle.Rest(); !last.Equal(started) {
		t.Fatalf("last activity %v, want the start %v", last, started)
	}
	idle.Touch()
	if _, last := idle.Rest(); !last.After(started) {
		t.Fatal("activity left no trace")
	}
}
