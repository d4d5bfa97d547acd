package execs

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// errWindow is a client that sent more than was allowed.
var errWindow = errors.New("more than 1 MiB of stdin beyond the last STDIN_ACK")

// errGap is stdin that does not begin where the last ended.
var errGap = errors.New("there is a gap in stdin")

// stdin buffers what the client sent until the command reads it.
type stdin struct {
	f    *os.File
	tty  bool
	wake func() // tells the attached stream that more was consumed

	mu     sync.Mutex
	buf    stream // begin: consumed, end: accepted
	eof    bool
	broken bool // the command closed its end; the rest is thrown away
	closed bool
	more   chan struct{}
}

func newStdin(f *os.File, tty bool, wake func()) *stdin {
	s := &stdin{f: f, tty: tty, wake: wake, more: make(chan struct{}, 1)}
	go s.run()
	return s
}

// consumed gives the offset up to which the command's pipe has taken the bytes.
func (s *stdin) consumed() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.begin
}

// accept takes bytes that begin at offset; what was taken before is skipped.
func (s *stdin) accept(offset uint64, p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if offset > s.buf.end {
		return errGap
	}
	known := s.buf.end - offset
	if known >= uint64(len(p)) {
		return nil
	}
	p = p[known:]
	switch {
	case s.eof:
		return errGap
	case s.broken || s.closed:
		s.buf.end += uint64(len(p))
		s.buf.begin = s.buf.end
		go s.wake() // not under the lock
	case len(p) > s.buf.room():
		return errWindow
	default:
		s.buf.write(p)
		notify(s.more)
	}
	return nil
}

// finish says that total bytes were all.
func (s *stdin) finish(total uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if total != s.buf.end {
		return errGap
	}
	s.eof = true
	notify(s.more)
	return nil
}

// close lets go of the pipe; a write that is under way ends.
func (s *stdin) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		if !s.tty { // the terminal is the command's, not ours
			_ = s.f.Close()
		}
		notify(s.more)
	}
}

func (s *stdin) run() {
	var chunk []byte
	for range s.more {
		for {
			s.mu.Lock()
			if s.closed {
				s.mu.Unlock()
				return
			}
			pending := int(s.buf.end - s.buf.begin)
			if pending == 0 {
				eof := s.eof
				s.mu.Unlock()
				if eof {
					s.end()
					return
				}
				break
			}
			if want := min(pending, 64<<10); cap(chunk) < want {
				chunk = make([]byte, want)
			}
			_, n := s.buf.next(s.buf.begin, chunk[:min(pending, 64<<10)], false)
			s.mu.Unlock()
			s.write(chunk[:n])
		}
	}
}

func (s *stdin) write(p []byte) {
	_, err := s.f.Write(p)
	s.mu.Lock()
	if err != nil {
		s.broken = true
		s.buf.begin = s.buf.end
	} else {
		s.buf.ack(s.buf.begin + uint64(len(p)))
	}
	s.mu.Unlock()
	s.wake()
}

// end is the end of input: the pipe is closed; at a terminal it is a character.
func (s *stdin) end() {
	if s.tty {
		_, _ = s.f.Write([]byte{4})
		return
	}
	s.close()
}

// resize sets the size of a terminal; the kernel tells its foreground group.
func resize(f *os.File, cols, rows uint16) error {
	rc, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var ioErr error
	if err := rc.Control(func(fd uintptr) {
		ioErr = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: cols, Row: rows})
	}); err != nil {
		return err
	}
	return ioErr
}
