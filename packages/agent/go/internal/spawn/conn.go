package spawn

import (
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// writeWithin is the longest that sending a request may take: the spawner reads at once, or is stuck.
const writeWithin = 10 * time.Second

// conn is the agent's end of the socket to one spawner.
type conn struct {
	c      *net.UnixConn
	pid    int
	signal func(syscall.Signal)

	mu      sync.Mutex
	seq     uint32
	waiting map[uint32]chan result
	broken  bool
	ended   bool
	buf     []byte
}

func newConn(c *net.UnixConn, pid int, signal func(syscall.Signal)) *conn {
	return &conn{c: c, pid: pid, signal: signal, waiting: map[uint32]chan result{}}
}

func (n *conn) dead() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.broken
}

// gone says whether the spawner was reaped.
func (n *conn) gone() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ended
}

// abandon ends a spawner that cannot be used any more. Those who wait for it learn so when it has really ended: only
// then is it certain that it starts nothing more.
func (n *conn) abandon() {
	n.mu.Lock()
	first := !n.broken
	n.broken = true
	n.mu.Unlock()
	if first {
		n.signal(syscall.SIGKILL)
	}
}

// onEnd is called when the spawner was reaped.
func (n *conn) onEnd() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.broken, n.ended = true, true
	_ = n.c.Close()
	for seq, ch := range n.waiting {
		delete(n.waiting, seq)
		close(ch)
	}
}

// send writes one request; the caller makes sure that there is one at a time. The function that it gives waits for the reply.
func (n *conn) send(req *Request, mark uint64, files [3]int) (func(nudge func()) (result, bool), error) {
	n.mu.Lock()
	n.seq++
	seq := n.seq
	n.mu.Unlock()
	n.buf = req.encode(n.buf[:0], seq, mark)
	msg := n.buf
	if cap(n.buf) > 256<<10 {
		n.buf = nil
	}
	if len(msg) > maxRequest {
		return nil, &Error{Stage: StageExec, Errno: syscall.E2BIG}
	}
	ch := make(chan result, 1)
	n.mu.Lock()
	if n.ended {
		n.mu.Unlock()
		return nil, errGone
	}
	n.waiting[seq] = ch
	n.mu.Unlock()
	// Whoever stopped it can have filled the socket.
	defer time.AfterFunc(nudgeAfter, func() { n.signal(syscall.SIGCONT) }).Stop()
	_ = n.c.SetWriteDeadline(time.Now().Add(writeWithin))
	done, _, err := n.c.WriteMsgUnix(msg, unix.UnixRights(files[0], files[1], files[2]), nil)
	if err == nil && done < len(msg) {
		_, err = n.c.Write(msg[done:])
	}
	if err != nil {
		n.abandon() // part of it may have arrived
	}
	return func(nudge func()) (result, bool) { return n.wait(ch, nudge) }, nil
}

// wait waits for the reply. What may have been stopped is let go on; what is stuck for long is ended.
func (n *conn) wait(ch chan result, nudge func()) (result, bool) {
	late := time.Now().Add(replyWithin)
	t := time.NewTimer(nudgeAfter)
	defer t.Stop()
	for {
		select {
		case r, ok := <-ch:
			return r, ok
		case <-t.C:
			if time.Now().After(late) {
				n.abandon()
			}
			n.signal(syscall.SIGCONT)
			nudge()
			t.Reset(nudgeAfter)
		}
	}
}

func (n *conn) read() {
	defer n.abandon()
	var b [resultLen]byte
	for {
		if _, err := io.ReadFull(n.c, b[:]); err != nil {
			return
		}
		r := decodeResult(b[:])
		n.mu.Lock()
		ch, ok := n.waiting[r.seq]
		delete(n.waiting, r.seq)
		n.mu.Unlock()
		if ok {
			ch <- r
		}
	}
}
