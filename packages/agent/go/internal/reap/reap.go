// Package reap waits for every child of the agent in one place.
//
// One blocked thread serves all children: with a thread for each, the Go runtime would have to make threads at the pids
// limit, and it aborts when it cannot.
package reap

import (
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
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
}

// New makes a Reaper; Run must be running for anything to happen.
func New() *Reaper {
	return &Reaper{
		watched:  map[int]func(syscall.WaitStatus){},
		unknown:  map[int]early{},
		inflight: map[Ticket]struct{}{},
		kick:     make(chan struct{}, 1),
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
	r.mu.Unlock()
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

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

// Run reaps for ever. It keeps the thread that it runs on.
func (r *Reaper) Run() {
	runtime.LockOSThread()
	for {
		pid, err := nextEnded()
		switch {
		case err == syscall.ECHILD:
			// No child at all: between two spawners. A start kicks; the timer is for children that were adopted.
			select {
			case <-r.kick:
			case <-time.After(time.Second):
			}
		case err != nil:
			time.Sleep(time.Millisecond) // EINTR, or a kernel that does not know the call
		default:
			r.reap(pid)
		}
	}
}

// reap takes the end of pid and forgets the pid under the same lock, so that Signal never meets a number that is free.
func (r *Reaper) reap(pid int) {
	var status syscall.WaitStatus
	r.mu.Lock()
	got, err := syscall.Wait4(pid, &status, syscall.WNOHANG|unix.WALL, nil)
	if err != nil || got != pid {
		r.mu.Unlock()
		return
	}
	fn, ok := r.watched[pid]
	if ok {
		delete(r.watched, pid)
	} else if len(r.inflight) > 0 {
		r.unknown[pid] = early{at: r.last, status: status}
	}
	r.mu.Unlock()
	if ok {
		fn(status)
	}
}
