// Package listen accepts connections on the agent's socket: from peers that may speak to it, and of the two kinds that
// there are, HTTP itself and descriptors that `connect` hands over.
package listen

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// HandOver is the first byte of a connection that carries descriptors; no HTTP request begins with it.
const HandOver = 0x00

// The agent's answer to a hand-over.
const (
	Accepted = 0x01
	Refused  = 0x02
)

// firstByte is how long a peer may take to say what it wants.
const firstByte = 30 * time.Second

// Listener gives connections that speak HTTP.
type Listener struct {
	inner *net.UnixListener
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// New wraps inner. Only peers of uid 0 and of the agent's own uid are let in.
func New(inner *net.UnixListener) *Listener {
	l := &Listener{inner: inner, conns: make(chan net.Conn), done: make(chan struct{})}
	go l.run()
	return l
}

// Accept gives the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close stops accepting.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.inner.Close()
}

// Addr is the socket's address.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

func (l *Listener) run() {
	for {
		c, err := l.inner.AcceptUnix()
		if err != nil {
			select {
			case <-l.done:
				return
			case <-time.After(10 * time.Millisecond): // no descriptor left; others will be closed
				continue
			}
		}
		go l.admit(c)
	}
}

func (l *Listener) admit(c *net.UnixConn) {
	if !allowed(c) {
		_ = c.Close()
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(firstByte))
	b := make([]byte, 1)
	oob := make([]byte, unix.CmsgSpace(8*4))
	n, oobn, _, _, err := c.ReadMsgUnix(b, oob)
	fds := rights(oob[:oobn])
	_ = c.SetReadDeadline(time.Time{})
	switch {
	case err != nil || n != 1:
		closeAll(fds)
		_ = c.Close()
	case b[0] == HandOver:
		if h := takeOver(c, fds); h != nil {
			l.give(newBuffered(h, nil))
		}
	default:
		closeAll(fds)
		l.give(newBuffered(c, b))
	}
}

func (l *Listener) give(c net.Conn) {
	select {
	case l.conns <- c:
	case <-l.done:
		_ = c.Close()
	}
}

func allowed(c *net.UnixConn) bool {
	rc, err := c.SyscallConn()
	if err != nil {
		return false
	}
	ok := false
	_ = rc.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		ok = err == nil && (cred.Uid == 0 || int(cred.Uid) == os.Geteuid())
	})
	return ok
}

func rights(oob []byte) []int {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	var fds []int
	for i := range msgs {
		if got, err := unix.ParseUnixRights(&msgs[i]); err == nil {
			fds = append(fds, got...)
		}
	}
	return fds
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}

// readAhead is how much one read of a connection takes at most: HTTP/2 reads each frame's header and payload on its own.
const readAhead = 64 << 10

// buffered is a connection that is read ahead.
type buffered struct {
	net.Conn
	r *bufio.Reader
}

// newBuffered begins with the bytes that were read to see what kind of connection it is.
func newBuffered(c net.Conn, first []byte) *buffered {
	var r io.Reader = c
	if len(first) > 0 {
		r = io.MultiReader(bytes.NewReader(first), c)
	}
	return &buffered{Conn: c, r: bufio.NewReaderSize(r, readAhead)}
}

func (b *buffered) Read(p []byte) (int, error) { return b.r.Read(p) }
