package spawn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/reap"
)

const (
	// retryFor is how long a start is tried again where the pids limit is full.
	retryFor = 15 * time.Second
	// maxGone is how often a start is given to another spawner where one died, whatever the time.
	maxGone = 3
	// nudgeAfter is how long a start takes before it is looked into.
	nudgeAfter = 500 * time.Millisecond
	// replyWithin is the longest that a start may take; exec may have to load the program from a slow file system.
	replyWithin = 30 * time.Second
)

// Error is a start that failed before the program ran.
type Error struct {
	Stage Stage
	Errno syscall.Errno
}

// Error names the stage and the kernel's reason.
func (e *Error) Error() string {
	what := "start"
	switch e.Stage {
	case StageCwd:
		what = "working directory"
	case StageNotFound, StageNoExec:
		what = "program"
	}
	return what + ": " + e.Errno.Error()
}

// Unwrap gives the errno.
func (e *Error) Unwrap() error { return e.Errno }

// ErrDied says that the spawner died during a start, and that the program may have run.
var ErrDied = errors.New("the spawner died while it started the command; whether the command ran is not known")

// errGone is a start during which the spawner died and that provably did not happen, or not yet.
var errGone = errors.New("the spawner is gone")

// Client starts programs through the spawner, and makes another spawner where one died.
type Client struct {
	Marks  *Marks
	Reaper *reap.Reaper
	// Sweep ends every process that carries mark, and says whether there was one. It is needed when the spawner died in
	// the middle of a start.
	Sweep func(mark uint64) bool
	// Argv is how the spawner is started, for tests; empty is this binary's `spawner`.
	Argv []string

	// Nudge lets what carries mark go on where it was stopped. It is called when a start takes long: until its program is loaded the
	// spawner waits for it, and whoever has the command's uid can stop it.
	Nudge func(mark uint64)

	// sending is held while a request is sent, which may take long.
	sending sync.Mutex

	mu      sync.Mutex
	conn    *conn
	leaders map[int]uint64
}

// Process is a program that was started.
type Process struct {
	Pid  int
	Mark uint64
}

// Pid is the spawner's own pid, 0 where none runs.
func (c *Client) Pid() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil || c.conn.gone() { // its number may be another's by now
		return 0
	}
	return c.conn.pid
}

// Leader gives the mark that a program which runs was started with, whatever its mark is now.
func (c *Client) Leader(pid int) (mark uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	mark, ok = c.leaders[pid]
	return mark, ok
}

func (c *Client) watch(ticket reap.Ticket, p Process, onEnd func(syscall.WaitStatus)) {
	c.mu.Lock()
	if c.leaders == nil {
		c.leaders = map[int]uint64{}
	}
	c.leaders[p.Pid] = p.Mark
	c.mu.Unlock()
	c.Reaper.Watch(ticket, p.Pid, func(s syscall.WaitStatus) {
		c.mu.Lock()
		if c.leaders[p.Pid] == p.Mark {
			delete(c.leaders, p.Pid)
		}
		c.mu.Unlock()
		onEnd(s)
	})
}

// Start starts req with the three descriptors, which stay the caller's. onEnd is called once when the program has ended; it must not block,
// and may be called before Start returns. At the pids limit it is tried again until ctx or 15 s are over.
func (c *Client) Start(ctx context.Context, req *Request, files [3]int, onEnd func(syscall.WaitStatus)) (Process, error) {
	deadline := time.Now().Add(retryFor)
	gone := 0
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		p, err := c.try(req, files, onEnd)
		if err == nil {
			return p, nil
		}
		// However long it took to learn that: it did not happen, so another spawner gets it.
		if errors.Is(err, errGone) && ctx.Err() == nil {
			if gone++; gone <= maxGone {
				continue
			}
		}
		var e *Error
		full := errors.As(err, &e) && e.Stage == StageExec && e.Errno == syscall.EAGAIN
		if !full && !errors.Is(err, errGone) || time.Now().After(deadline) {
			return Process{}, err
		}
		select {
		case <-ctx.Done():
			return Process{}, err
		case <-time.After(pause):
		}
	}
}

func (c *Client) try(req *Request, files [3]int, onEnd func(syscall.WaitStatus)) (Process, error) {
	ticket := c.Reaper.Begin()
	ended := false
	defer func() {
		if !ended {
			c.Reaper.End(ticket)
		}
	}()
	wait, mark, err := c.send(req, files)
	if err != nil {
		return Process{}, err
	}
	res, ok := wait(func() {
		if c.Nudge != nil {
			c.Nudge(mark)
		}
	})
	if !ok {
		ended = true
		// The reply is lost: what carries the mark is ended, so that nothing of it can run on unseen.
		if found := c.Sweep != nil && c.Sweep(mark); c.Reaper.End(ticket) || found {
			return Process{}, ErrDied
		}
		return Process{}, errGone
	}
	if res.stage != StageStarted {
		return Process{}, &Error{Stage: res.stage, Errno: syscall.Errno(res.errno)}
	}
	p := Process{Pid: int(res.pid), Mark: mark}
	c.watch(ticket, p, onEnd)
	return p, nil
}

// send hands the request to the spawner. Marks are drawn under the same lock as the sending, since they must fall.
func (c *Client) send(req *Request, files [3]int) (func(nudge func()) (result, bool), uint64, error) {
	c.sending.Lock()
	defer c.sending.Unlock()
	n, err := c.live()
	if err != nil {
		return nil, 0, err
	}
	mark := c.Marks.Next()
	wait, err := n.send(req, mark, files)
	return wait, mark, err
}

// live gives the spawner, another one where it died. c.sending is held.
func (c *Client) live() (*conn, error) {
	c.mu.Lock()
	n := c.conn
	c.mu.Unlock()
	if n != nil && !n.dead() {
		return n, nil
	}
	n, err := c.launch()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.conn = n
	c.mu.Unlock()
	return n, nil
}

// launch starts a spawner.
func (c *Client) launch() (*conn, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socketpair: %w", err)
	}
	defer syscall.Close(pair[1])
	null, err := os.Open(os.DevNull)
	if err != nil {
		_ = syscall.Close(pair[0])
		return nil, err
	}
	defer null.Close()
	argv := c.Argv
	if len(argv) == 0 {
		argv = []string{selfExe, "spawner"}
	}
	ticket := c.Reaper.Begin()
	defer c.Reaper.End(ticket)
	// Not os/exec: that would wait for the child by itself, and the reaper does all the waiting.
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Dir:   "/",
		Env:   os.Environ(),
		Files: []uintptr{null.Fd(), 2, 2, uintptr(pair[1])},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		_ = syscall.Close(pair[0])
		if errno, ok := err.(syscall.Errno); ok {
			return nil, &Error{Stage: StageExec, Errno: errno}
		}
		return nil, err
	}
	f := os.NewFile(uintptr(pair[0]), "spawner")
	defer f.Close()
	nc, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	n := newConn(nc.(*net.UnixConn), pid, func(sig syscall.Signal) { _ = c.Reaper.Signal(pid, false, sig) })
	c.Reaper.Watch(ticket, pid, func(syscall.WaitStatus) { n.onEnd() })
	go n.read()
	return n, nil
}
