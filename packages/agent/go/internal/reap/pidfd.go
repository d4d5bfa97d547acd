package reap

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// pidfds waits for the ends of processes through descriptors, together with everything else that the agent waits for: so
// the end of a command takes no thread of its own.
//
// They are in an epoll set of their own, which is one descriptor for the Go runtime, since that would need three more system
// calls for each.
type pidfds struct {
	f    *os.File
	rc   syscall.RawConn
	epfd int
}

// newPidfds gives nil where the kernel does not know pidfds, or a seccomp profile refuses them.
func newPidfds() *pidfds {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return nil
	}
	_ = unix.Close(fd)
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	_ = unix.SetNonblock(epfd, true) // that is how os.File knows that it can be waited for
	p := &pidfds{f: os.NewFile(uintptr(epfd), "pidfds"), epfd: epfd}
	if p.rc, err = p.f.SyscallConn(); err == nil {
		err = p.f.SetReadDeadline(noDeadline) // fails where the runtime cannot wait for it
	}
	if err != nil {
		_ = p.f.Close()
		return nil
	}
	return p
}

// add begins to wait for pid.
func (p *pidfds) add(pid int) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	err = unix.EpollCtl(p.epfd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd), Pad: int32(pid)})
	if err != nil {
		_ = unix.Close(fd)
	}
	return err == nil
}

// run has reap called with each pid that has ended; where that is done with it, the descriptor is closed.
func (p *pidfds) run(reap func(pid int) bool) {
	events := make([]unix.EpollEvent, 64)
	_ = p.rc.Read(func(uintptr) bool {
		for {
			n, err := unix.EpollWait(p.epfd, events, 0)
			if err == unix.EINTR {
				continue
			}
			if err != nil || n == 0 {
				return false
			}
			done := 0
			for _, e := range events[:n] {
				if reap(int(e.Pad)) {
					_ = unix.Close(int(e.Fd)) // which takes it out of the set
					done++
				}
			}
			if done == 0 {
				return false // not yet; the periodic look will come to it
			}
		}
	})
}
