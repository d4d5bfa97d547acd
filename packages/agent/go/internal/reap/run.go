package reap

import (
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var noDeadline time.Time

const (
	// Orphans that came to the agent are looked for so often: at least while something runs here, at most while nothing does,
	// and sooner where the last look found some.
	lookAtOnce  = time.Millisecond
	lookRunning = 25 * time.Millisecond
	lookResting = time.Second
)

// Run reaps for ever.
func (r *Reaper) Run() {
	if r.pidfds == nil {
		r.block()
		return
	}
	quietChildren()
	go r.pidfds.run(r.reap)
	r.look()
}

// look reaps orphans. Children that are watched have descriptors of their own and are seldom met here.
func (r *Reaper) look() {
	pause := lookRunning
	t := time.NewTimer(pause)
	for {
		select {
		case <-r.kick:
			pause = lookAtOnce
		case <-t.C:
			if r.sweep() > 0 {
				pause = lookAtOnce
			} else {
				pause = min(2*pause, r.atMost())
			}
		}
		t.Reset(pause)
	}
}

func (r *Reaper) atMost() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.watched) > 1 { // one is the spawner
		return lookRunning
	}
	return lookResting
}

// sweep reaps every child that has ended and gives how many there were.
func (r *Reaper) sweep() (n int) {
	for {
		pid, err := nextEnded(unix.WNOHANG)
		if err != nil || pid == 0 || !r.reap(pid) {
			return n
		}
		n++
	}
}

// block is for kernels without pidfd: one blocked thread serves all children.
func (r *Reaper) block() {
	runtime.LockOSThread()
	for {
		pid, err := nextEnded(0)
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

// reap takes the end of pid and forgets the pid under the same lock, so that Signal never meets a number that is free. It
// says whether pid is done with.
func (r *Reaper) reap(pid int) bool {
	var status syscall.WaitStatus
	r.mu.Lock()
	got, err := syscall.Wait4(pid, &status, syscall.WNOHANG|unix.WALL, nil)
	if err != nil || got != pid {
		r.mu.Unlock()
		return err == syscall.ECHILD
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
	return true
}
