// Package execs holds the commands: each is a resource with an id that the client chose, kept until its end was
// acknowledged, so that a stream that was cut can be taken up again at any byte.
package execs

import (
	"os"
	"sync"
	"syscall"
	"time"

	"podkit.dev/agent/internal/spawn"
)

const (
	// afterLeader is how long output is waited for once the leader has ended and something else holds the pipes.
	afterLeader = 100 * time.Millisecond
	// roomMax is what a sink without a window always has room for.
	roomMax = 1 << 20
)

// sink keeps the output of one stream.
type sink interface {
	room() int
	total() uint64
	overflows() bool
	write(p []byte)
	next(offset uint64, buf []byte, ended bool) (uint64, int)
	ack(offset uint64) bool
	holds(offset uint64) bool
}

// output is one stream of a command.
type output struct {
	f     *os.File // nil where the command never ran
	tty   bool
	space chan struct{} // the client acknowledged something
	sink  sink
	// late is set once the grace after the leader's end is over: what is in the pipe then is all that is taken.
	late bool
	done bool
}

// Exec is one command.
type Exec struct {
	id   string
	spec *Spec
	m    *Manager
	// started is closed when the start succeeded or failed; startErr says which.
	started  chan struct{}
	startErr error
	// fin is closed when the EXIT frame stands.
	fin chan struct{}
	// dead is closed when the command was forgotten.
	dead chan struct{}

	mu        sync.Mutex
	out       [2]*output // the second is nil with a terminal
	in        *stdin
	tty       *os.File
	proc      spawn.Process
	startedAt time.Time
	oomBase   uint64

	leaderDone bool
	status     syscall.WaitStatus
	code       int // where the program never ran
	duration   time.Duration
	timedOut   bool
	cancelled  bool
	oomKilled  bool
	weKilled   bool
	treeAlive  bool
	ending     int // sweeps that are under way
	exit       []byte

	att        *attachment
	deadline   func() // calls it off
	detachment func()
	forgotten  bool
}

// leaderEnded is called by the reaper.
func (e *Exec) leaderEnded(status syscall.WaitStatus) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.leaderDone {
		return
	}
	e.setEnded(status)
	if status.Signaled() && status.Signal() == syscall.SIGKILL && !e.weKilled || status.ExitStatus() == 137 {
		e.oomKilled = e.m.oom.read() > e.oomBase
	}
	e.settle()
	if e.exit == nil {
		time.AfterFunc(afterLeader, e.graceOver)
	}
}

func (e *Exec) setEnded(status syscall.WaitStatus) {
	e.leaderDone, e.status = true, status
	e.duration = time.Since(e.startedAt)
	if e.deadline != nil {
		e.deadline()
	}
}

// graceOver has the pumps take what is there and stop.
func (e *Exec) graceOver() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range e.out {
		if o != nil && !o.done && !o.late {
			o.late = true
			_ = o.f.SetReadDeadline(time.Unix(1, 0))
		}
	}
}

// outputDone is called by a pump at its end.
func (e *Exec) outputDone(o *output) {
	e.mu.Lock()
	defer e.mu.Unlock()
	o.done = true
	e.settle()
}

// settle makes the EXIT frame once there is nothing more to wait for. e.mu is held.
func (e *Exec) settle() {
	if e.exit != nil || !e.leaderDone || e.ending > 0 {
		return
	}
	for _, o := range e.out {
		if o != nil && !o.done {
			return
		}
	}
	e.exit = e.exitFrame()
	close(e.fin)
	e.closeInput()
	e.wake()
	e.m.finished(e)
}

// closeInput lets go of stdin and of the terminal. e.mu is held.
func (e *Exec) closeInput() {
	if e.in != nil {
		e.in.close()
	}
	if e.tty != nil {
		_ = e.tty.Close()
		e.tty = nil
	}
}

// wake tells the attached stream that there is something to send. e.mu is held.
func (e *Exec) wake() {
	if e.att != nil {
		notify(e.att.wake)
	}
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// end ends the whole tree. It may be called at any time, more than once; then the reasons add up.
func (e *Exec) end(timedOut, cancelled bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.exit != nil || e.proc.Pid == 0 {
		return
	}
	if !e.leaderDone {
		e.timedOut = e.timedOut || timedOut && !e.cancelled
		e.cancelled = e.cancelled || cancelled && !e.timedOut
		e.weKilled = true
	}
	if e.ending > 0 {
		return
	}
	e.ending++
	go e.sweep()
}

func (e *Exec) sweep() {
	_, alive := e.m.opts.Trees.End(e.proc.Mark)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ending--
	if alive {
		e.treeAlive = true
		if !e.leaderDone {
			e.setEnded(syscall.WaitStatus(syscall.SIGKILL))
		}
		go e.graceOver()
	}
	e.settle()
}
