package execs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
	"podkit.dev/agent/internal/launch"
)

// start starts the program. Where that fails as a shell would say it (126, 127), the command is one that has ended.
func (e *Exec) start() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	ends, err := e.open()
	if err != nil {
		return err
	}
	defer ends.close()
	ctx := context.Background()
	if e.spec.TimeoutMs != nil {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, millis(*e.spec.TimeoutMs))
		defer cancel()
	}
	e.oomBase = e.m.oom.read()
	e.startedAt = time.Now()
	// The end may come before the start has returned. Its handler must wait for e.mu, and must not hold up the reaper.
	e.proc, err = e.m.opts.Launcher.Start(ctx, e.params(), ends.child, func(s syscall.WaitStatus) { go e.leaderEnded(s) })
	var program *launch.ProgramError
	switch {
	case errors.As(err, &program):
		e.neverRan(program)
		return nil
	case err != nil:
		e.abandon()
		return err
	}
	for _, o := range e.out {
		if o != nil {
			go e.pump(o)
		}
	}
	if e.spec.TimeoutMs != nil {
		e.deadline = e.m.opts.Clock.AfterFunc(millis(*e.spec.TimeoutMs), func() { e.end(true, false) })
	}
	return nil
}

func (e *Exec) params() *launch.Params {
	return &launch.Params{Argv: e.spec.Argv, Cwd: e.spec.Cwd, Env: e.spec.Env, User: e.spec.User, Tty: e.spec.Pty != nil}
}

// ends are the command's ends of its pipes, which the agent closes once it has handed them over.
type ends struct {
	child [3]int
	own   []int
}

func (x *ends) close() {
	for _, fd := range x.own {
		_ = unix.Close(fd)
	}
}

// open makes the pipes or the terminal. e.mu is held.
func (e *Exec) open() (*ends, error) {
	if e.spec.Pty != nil {
		return e.openTerminal()
	}
	x := &ends{child: [3]int{e.m.null, -1, -1}}
	for i := range e.out {
		fds, err := newPipe()
		if err != nil {
			x.close()
			e.abandon()
			return nil, apierr.Wrap(err, "no pipe can be made")
		}
		x.own = append(x.own, fds[1])
		x.child[i+1] = fds[1]
		e.out[i] = e.newOutput(fds[0])
	}
	if e.spec.Stdin {
		fds, err := newPipe()
		if err != nil {
			x.close()
			e.abandon()
			return nil, apierr.Wrap(err, "no pipe can be made")
		}
		x.own = append(x.own, fds[0])
		x.child[0] = fds[0]
		_ = unix.SetNonblock(fds[1], true)
		e.in = newStdin(os.NewFile(uintptr(fds[1]), "stdin"), false, e.wakeLocked)
	}
	return x, nil
}

func (e *Exec) openTerminal() (*ends, error) {
	uid := os.Geteuid()
	if u, err := e.m.opts.Launcher.Resolve(e.spec.User); err != nil {
		return nil, err
	} else if uid == 0 {
		uid = int(u.UID)
	}
	master, slave, err := openPty(*e.spec.Pty, uid)
	if err != nil {
		return nil, err
	}
	e.tty = master
	e.out[0] = &output{f: master, tty: true, space: make(chan struct{}, 1), sink: e.newSink()}
	if e.spec.Stdin {
		e.in = newStdin(master, true, e.wakeLocked)
	}
	return &ends{child: [3]int{slave, slave, slave}, own: []int{slave}}, nil
}

func (e *Exec) wakeLocked() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wake()
}

// newPipe makes a pipe whose ends block, which is what commands expect.
func newPipe() (fds [2]int, err error) {
	err = unix.Pipe2(fds[:], unix.O_CLOEXEC)
	return fds, err
}

func (e *Exec) newOutput(fd int) *output {
	_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETFL, unix.O_NONBLOCK)
	return &output{f: os.NewFile(uintptr(fd), "output"), space: make(chan struct{}, 1), sink: e.newSink()}
}

func (e *Exec) newSink() sink {
	if e.spec.MaxOutputBytes == nil {
		return newStream()
	}
	return newCapture(int(*e.spec.MaxOutputBytes))
}

// neverRan makes this a command that ended at once with a shell's code and message. e.mu is held.
func (e *Exec) neverRan(p *launch.ProgramError) {
	last := e.out[0]
	if e.out[1] != nil {
		last = e.out[1]
	}
	last.sink = &stream{}
	if e.spec.MaxOutputBytes != nil {
		last.sink = newCapture(int(*e.spec.MaxOutputBytes))
	}
	last.sink.write([]byte(fmt.Sprintf("podkit: %s\n", p.Message)))
	e.abandon()
	e.leaderDone, e.code = true, p.Code
	e.settle()
}

// abandon closes what was opened for a program that does not run. e.mu is held.
func (e *Exec) abandon() {
	for _, o := range e.out {
		if o != nil && !o.done {
			_ = o.f.Close()
			o.done = true
		}
	}
	e.closeInput()
}
