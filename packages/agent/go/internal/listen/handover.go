package listen

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// handed is a connection made of the stdin and stdout of a `connect`, which only waits until it ends. So bytes are copied
// once less each way.
type handed struct {
	in, out *os.File
	// control is the socket to `connect`: when that is killed, this ends, and when this ends, `connect` does.
	control *net.UnixConn
	once    sync.Once
}

// takeOver makes a connection of two descriptors, or refuses, or gives up.
func takeOver(c *net.UnixConn, fds []int) net.Conn {
	if len(fds) != 2 || !pollable(fds[0]) || !pollable(fds[1]) {
		closeAll(fds)
		_, _ = c.Write([]byte{Refused})
		_ = c.Close()
		return nil
	}
	h := &handed{control: c}
	for i, f := range []**os.File{&h.in, &h.out} {
		unix.CloseOnExec(fds[i])
		_ = unix.SetNonblock(fds[i], true)
		*f = os.NewFile(uintptr(fds[i]), "handed over")
	}
	if _, err := c.Write([]byte{Accepted}); err != nil {
		_ = h.Close()
		return nil
	}
	go h.watch()
	return h
}

// pollable says whether waiting for the descriptor costs no thread. A terminal would, and is shared with others who do not
// expect it to be non-blocking.
func pollable(fd int) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return false
	}
	kind := st.Mode & unix.S_IFMT
	return kind == unix.S_IFIFO || kind == unix.S_IFSOCK
}

func (h *handed) watch() {
	var b [1]byte
	_, _ = h.control.Read(b[:])
	_ = h.Close()
}

func (h *handed) Read(b []byte) (int, error)  { return h.in.Read(b) }
func (h *handed) Write(b []byte) (int, error) { return h.out.Write(b) }

// Close ends the stream and lets `connect` go.
func (h *handed) Close() error {
	h.once.Do(func() {
		_ = h.in.Close()
		_ = h.out.Close()
		_ = h.control.Close()
	})
	return nil
}

func (h *handed) LocalAddr() net.Addr  { return h.control.LocalAddr() }
func (h *handed) RemoteAddr() net.Addr { return h.control.RemoteAddr() }

func (h *handed) SetDeadline(t time.Time) error {
	return errors.Join(h.SetReadDeadline(t), h.SetWriteDeadline(t))
}
func (h *handed) SetReadDeadline(t time.Time) error  { return h.in.SetReadDeadline(t) }
func (h *handed) SetWriteDeadline(t time.Time) error { return h.out.SetWriteDeadline(t) }
