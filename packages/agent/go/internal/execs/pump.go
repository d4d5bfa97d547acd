package execs

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	bufLen = 256 << 10
	// bigPipe is what the pipe of a command that writes a lot grows to. The kernel allows a user only so many pages
	// in pipes, so others stay as they are.
	bigPipe = 256 << 10
	// pace is the pause after each read of output that will be dropped anyway: without it, `yes` would take a core,
	// and the agent another one.
	pace = time.Millisecond
)

var bufs = sync.Pool{New: func() any { b := make([]byte, bufLen); return &b }}

// pump moves what the command writes into the sink, until the pipe's end or the end of the grace.
func (e *Exec) pump(o *output) {
	defer e.outputDone(o)
	rc, err := o.f.SyscallConn()
	if err != nil {
		return
	}
	p := &pipe{e: e, o: o, rc: rc}
	for {
		err := p.move(p.wait)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = p.drain()
		}
		if err != nil {
			if errors.Is(err, errHeld) {
				e.m.discard.add(o.f)
			} else {
				_ = o.f.Close()
			}
			return
		}
	}
}

// errHeld says that something else still holds the other end of the pipe.
var errHeld = errors.New("the pipe is held")

type pipe struct {
	e     *Exec
	o     *output
	rc    syscall.RawConn
	buf   *[]byte
	full  int
	grown bool
}

// move reads once by means of read, and keeps what came.
func (p *pipe) move(read func(want int) (int, error)) error {
	want, err := p.room()
	if err != nil {
		return err
	}
	n, err := read(want)
	if n > 0 {
		p.e.mu.Lock()
		p.o.sink.write((*p.buf)[:n])
		over := p.o.sink.overflows()
		p.e.wake()
		p.e.mu.Unlock()
		p.putBack()
		p.adapt(n, over)
	}
	return err
}

// room waits until the sink can take something.
func (p *pipe) room() (int, error) {
	for {
		p.e.mu.Lock()
		room := p.o.sink.room()
		p.e.mu.Unlock()
		if room > 0 {
			return min(room, bufLen), nil
		}
		select {
		case <-p.o.space:
		case <-p.e.dead:
			return 0, io.EOF
		}
	}
}

// wait reads, waiting for something to come. It takes a buffer only when there may be something, so that a silent command
// holds none.
func (p *pipe) wait(want int) (n int, err error) {
	rcErr := p.rc.Read(func(fd uintptr) bool {
		n, err = p.read(int(fd), want)
		return err != syscall.EAGAIN
	})
	if rcErr != nil {
		return 0, rcErr
	}
	return n, p.check(n, err)
}

// drain takes what is in the pipe now, and no more than the pipe can hold: what was written before the leader's end is
// in there, and one who writes for ever does not hold up the end.
func (p *pipe) drain() error {
	left := bufLen
	_ = p.rc.Control(func(fd uintptr) {
		if size, err := unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0); err == nil {
			left = size
		}
	})
	for left > 0 {
		err := p.move(func(want int) (n int, err error) {
			if cErr := p.rc.Control(func(fd uintptr) { n, err = p.read(int(fd), min(want, left)) }); cErr != nil {
				return 0, cErr
			}
			left -= n
			if err == syscall.EAGAIN {
				return 0, errHeld
			}
			return n, p.check(n, err)
		})
		if err != nil {
			return err
		}
	}
	return errHeld
}

func (p *pipe) check(n int, err error) error {
	switch {
	case err == nil && n > 0:
		return nil
	case err == nil, err == syscall.EIO && p.o.tty: // EIO is how a terminal says that nobody has it open any more
		return io.EOF
	}
	return err
}

// read reads into p.buf, which it holds afterwards only where something came.
func (p *pipe) read(fd, want int) (int, error) {
	p.buf = bufs.Get().(*[]byte)
	for {
		n, err := syscall.Read(fd, (*p.buf)[:want])
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n == 0 {
			n = 0
			p.putBack()
		}
		return n, err
	}
}

func (p *pipe) putBack() {
	bufs.Put(p.buf)
	p.buf = nil
}

// adapt makes the pipe of a busy command larger, and slows down one whose output is being dropped.
func (p *pipe) adapt(n int, over bool) {
	if n >= 64<<10 || over {
		p.full++
	}
	if p.full >= 2 && !p.grown && !p.o.tty {
		p.grown = true
		_ = p.rc.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, bigPipe) })
	}
	if over {
		time.Sleep(pace)
	}
}
