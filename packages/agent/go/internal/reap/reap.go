// Package reap waits for every child of the agent in one place.
//
// No thread waits for a child of its own: the Go runtime would have to make threads at the pids limit, and it aborts when it
// cannot.
package reap

import (
	"sync"
	"syscall"
)

// Ticket stands for a start that is under way. A child may have ended, and been reaped, before its pid is known here; the
// ticket keeps such ends.
type Ticket uint64

type early struct {
	at     Ticket // the newest ticket when it was reaped
	status syscall.WaitStatus
}

// Reaper is the one place that calls wait.
type Reaper struct {
	mu       sync.Mutex
	watched  map[int]func(syscall.WaitStatus)
	unknown  map[int]early
	inflight map[Ticket]struct{}
	last     Ticket
	kick     chan struct{}
	pidfds   *pidfds
}

// New makes a Reaper; Run must be running for anything to happen.
func New() *Reaper {
	return &Reaper{
		watched:  map[int]func(syscall.WaitStatus){},
		unknown:  map[int]early{},
		inflight: map[Ticket]struct{}{},
		kick:     make(chan struct{}, 1),
		pidfds:   newPidfds(),
	}
}

// Begin says that a child is about to be started.
func (r *Reaper) Begin() Ticket {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	r.inflight[r.last] = struct{}{}
	return r.last
}

// Watch has fn called once with the end of pid, which was started under t. fn must not block; it may be called before
// Watch returns.
func (r *Reaper) Watch(t Ticket, pid int, fn func(syscall.WaitStatus)) {
	r.mu.Lock()
	e, ended := r.unknown[pid]
	// An end from before the ticket was another process that had the same number.
	if ended && e.at >= t {
		delete(r.unknown, pid)
		r.mu.Unlock()
		fn(e.status)
		return
	}
	r.watched[pid] = fn
	first := len(r.watched) == 2 // beside the spawner; the reaper was at rest
	r.mu.Unlock()
	if r.pidfds == nil || !r.pidfds.add(pid) {
		r.Look()
		return
	}
	if first {
		r.Look()
	}
}

// Look has the reaper look for children that have ended.
func (r *Reaper) Look() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// Blocks says whether the reaper holds a thread in the kernel.
func (r *Reaper) Blocks() bool { return r.pidfds == nil }

// End gives a ticket back, after Watch or where the start failed. It says whether a child that nobody claimed ended meanwhile.
func (r *Reaper) End(t Ticket) (strays bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.inflight, t)
	for _, e := range r.unknown {
		if e.at >= t {
			strays = true
			break
		}
	}
	r.forget()
	return strays
}

// forget drops the ends that no ticket can claim any more.
func (r *Reaper) forget() {
	if len(r.unknown) == 0 {
		return
	}
	oldest := r.last + 1
	for t := range r.inflight {
		oldest = min(oldest, t)
	}
	for pid, e := range r.unknown {
		if e.at < oldest {
			delete(r.unknown, pid)
		}
	}
}

// Signal sends sig to the process pid, or to its group, as long as it was not reaped: a number that was reaped may
// belong to another process by now.
func (r *Reaper) Signal(pid int, group bool, sig syscall.Signal) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.watched[pid]; !ok {
		return syscall.ESRCH
	}
	if group {
		return syscall.Kill(-pid, sig)
	}
	return syscall.Kill(pid, sig)
}
