package reap

import (
	"syscall"
	"testing"
)

// end lets pid appear to have been reaped.
func (r *Reaper) end(pid int, code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.inflight) > 0 {
		r.unknown[pid] = early{at: r.last, status: syscall.WaitStatus(code << 8)}
	}
}

func TestEndThatComesBeforeThePidIsKept(t *testing.T) {
	r := New()
	ticket := r.Begin()
	r.end(77, 5)
	got := -1
	r.Watch(ticket, 77, func(s syscall.WaitStatus) { got = s.ExitStatus() })
	if got != 5 {
		t.Fatal(got)
	}
	if r.End(ticket) || len(r.unknown) != 0 {
		t.Fatal("something is kept")
	}
}

func TestEndOfAnotherProcessOfThatNumberIsNotTaken(t *testing.T) {
	r := New()
	long := r.Begin() // keeps what ends from being forgotten
	r.end(77, 5)
	ticket := r.Begin()
	r.Watch(ticket, 77, func(s syscall.WaitStatus) { t.Errorf("ended with %d", s.ExitStatus()) })
	if r.End(ticket) {
		t.Error("an end from before counts as a stray")
	}
	if !r.End(long) {
		t.Error("the stray was not seen")
	}
	if len(r.unknown) != 0 || len(r.inflight) != 0 {
		t.Error("something is kept")
	}
}

func TestNothingIsKeptWithoutAStart(t *testing.T) {
	r := New()
	r.end(77, 5)
	if len(r.unknown) != 0 {
		t.Fatal(r.unknown)
	}
}

func TestOnlyWatchedProcessesAreSignalled(t *testing.T) {
	if err := New().Signal(1, false, 0); err != syscall.ESRCH {
		t.Fatal(err)
	}
}
