// Package fsuser runs file operations with the rights of another user, on threads that were started beforehand.
//
// Linux keeps fsuid, fsgid and groups for each thread. A worker of the pool is a goroutine that is bound to a thread of
// its own; for each job it takes on the user's ids, and gives them back afterwards. No thread is made on demand: at the
// container's pids limit the Go runtime aborts the whole process when it cannot start one.
package fsuser

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"podkit.dev/agent/internal/apierr"
	"podkit.dev/agent/internal/users"
)

// DefaultSize is a pool for many clients on a few cores: jobs are short, and most never wait for a disk.
const DefaultSize = 6

// Pool is a fixed number of threads. Jobs that block (a slow disk) hold up others only once every thread is taken.
type Pool struct {
	jobs chan *job
	// dead is closed when the last worker is gone, so that callers do not wait for nobody.
	dead chan struct{}
	live atomic.Int32
	own  users.Identity
	sys  creds
	// can says whether this process may take on other identities at all.
	can bool
}

type job struct {
	id   users.Identity
	fn   func() error
	err  error
	done chan struct{}
}

// New starts a pool of n threads and returns once all of them run. It never fails: where the process may not change
// ids, the pool runs everything as the process itself and refuses other users.
func New(n int) *Pool { return newPool(n, kernel{}) }

func newPool(n int, sys creds) *Pool {
	p := &Pool{jobs: make(chan *job), dead: make(chan struct{}), own: users.Self("/"), sys: sys}
	p.live.Store(int32(n))
	started := make(chan bool, n)
	for range n {
		go p.work(started)
	}
	p.can = true
	for range n {
		p.can = <-started && p.can
	}
	return p
}

// Own is the identity of the process.
func (p *Pool) Own() users.Identity { return p.own }

// CanSwitch says whether other users' rights are to be had.
func (p *Pool) CanSwitch() bool { return p.can }

// DoSelf runs fn on a thread of the pool with the agent's own rights; for work that may block on a disk.
func (p *Pool) DoSelf(ctx context.Context, fn func() error) error { return p.Do(ctx, p.own, fn) }

// Do runs fn with id's rights and returns its error. ctx ends only the wait for a free thread: a job that began is always
// waited for, since it uses the caller's memory. fn must neither start processes nor wait for another job of the pool.
func (p *Pool) Do(ctx context.Context, id users.Identity, fn func() error) error {
	if !p.can && id.UID != p.own.UID {
		return apierr.PermissionDenied("the agent runs as uid %d here and cannot act as user %s (uid %d)", p.own.UID, id.Name, id.UID).
			With("uid", id.UID)
	}
	j := &job{id: id, fn: fn, done: make(chan struct{})}
	select {
	case p.jobs <- j:
		<-j.done
		return j.err
	case <-p.dead:
		return apierr.Internal("no thread for file operations is left")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Pool) work(started chan<- bool) {
	// Never unlocked: a worker that ends takes its thread with it, and with it whatever ids could not be restored.
	runtime.LockOSThread()
	defer func() {
		if p.live.Add(-1) == 0 {
			close(p.dead)
		}
	}()
	can, clean := probe(p.sys, p.own)
	started <- can
	if !clean {
		return
	}
	for j := range p.jobs {
		if !p.run(j) {
			return
		}
	}
}

// run does one job and says whether the thread may be used again.
func (p *Pool) run(j *job) (ok bool) {
	defer close(j.done)
	if !p.can || j.id.Same(p.own) {
		j.err = call(j.fn)
		return true
	}
	if err := take(p.sys, j.id); err != nil {
		j.err = apierr.PermissionDenied("the agent cannot act as user %s (uid %d, gid %d): %v", j.id.Name, j.id.UID, j.id.GID, err)
	} else {
		j.err = call(j.fn)
	}
	return take(p.sys, p.own) == nil
}

// call turns a panic into an error: it would end the agent, and with it everything in the container.
func call(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = apierr.Internal("a file operation panicked: %v", r).With("stack", firstLines(debug.Stack()))
		}
	}()
	return fn()
}

func firstLines(stack []byte) string {
	const most = 2048
	if len(stack) > most {
		stack = stack[:most]
	}
	return fmt.Sprintf("%s", stack)
}
