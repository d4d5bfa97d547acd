package files

import (
	"bytes"
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// event is one of inotify's.
type event struct {
	wd   int32
	mask uint32
	// name is the one in the watched folder, "" where the folder itself is meant.
	name string
}

// inotify is an instance whose reads wait in the runtime's poller, and so hold no thread.
type inotify struct {
	fd   int
	file *os.File
	buf  []byte
}

func newInotify() (*inotify, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	return &inotify{fd: fd, file: os.NewFile(uintptr(fd), "inotify"), buf: make([]byte, 64<<10)}, nil
}

func (n *inotify) close() { n.file.Close() }

func (n *inotify) add(path string, mask uint32) (int32, error) {
	var wd int
	err := again(func() (err error) { wd, err = unix.InotifyAddWatch(n.fd, path, mask); return err })
	return int32(wd), err
}

func (n *inotify) remove(wd int32) { _, _ = unix.InotifyRmWatch(n.fd, uint32(wd)) }

// read waits for events.
func (n *inotify) read() ([]event, error) {
	got, err := n.file.Read(n.buf)
	if err != nil {
		return nil, err
	}
	return parseEvents(n.buf[:got]), nil
}

// parseEvents takes struct inotify_event apart: wd, mask, cookie, len, and a name that is filled up with NULs.
func parseEvents(b []byte) []event {
	var events []event
	for len(b) >= unix.SizeofInotifyEvent {
		e := event{wd: int32(binary.NativeEndian.Uint32(b)), mask: binary.NativeEndian.Uint32(b[4:])}
		size := uint64(binary.NativeEndian.Uint32(b[12:]))
		b = b[unix.SizeofInotifyEvent:]
		if size > uint64(len(b)) {
			return events
		}
		name, _, _ := bytes.Cut(b[:size], []byte{0})
		e.name = string(name)
		b = b[size:]
		events = append(events, e)
	}
	return events
}
