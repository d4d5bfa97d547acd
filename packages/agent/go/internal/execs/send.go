package execs

import (
	"net/http"
	"sync"
	"time"

	"podkit.dev/agent/internal/frame"
)

// outBufs hold what one write takes: both streams' data and the small frames around.
var outBufs = sync.Pool{New: func() any { b := make([]byte, 0, frame.MaxData+4096); return &b }}

// send writes the command's frames until EXIT was sent and the client has said all. It gives false where the stream was
// cut.
func (e *Exec) send(a *attachment, w http.ResponseWriter, rc *http.ResponseController, gone <-chan struct{}) bool {
	buf := outBufs.Get().(*[]byte)
	defer outBufs.Put(buf)
	b := e.startedFrame((*buf)[:0])
	if e.capturesOnly() {
		t := time.NewTimer(firstFlush)
		select {
		case <-e.fin:
		case <-t.C:
		case <-gone:
		}
		t.Stop()
	}
	for {
		var more bool
		b, more = e.collect(a, b)
		if len(b) > 0 {
			if _, err := w.Write(b); err != nil {
				return false
			}
		}
		if a.last && a.brief {
			return true // the end of the answer sends it: with what is in it, one write
		}
		if !more && len(b) > 0 {
			if rc.Flush() != nil {
				return false
			}
		}
		b = (*buf)[:0]
		if a.last {
			return e.await(a, gone)
		}
		if more {
			select {
			case <-a.off:
				return false
			default:
			}
			continue
		}
		select {
		case <-a.wake:
		case <-a.off:
			return false
		case <-gone:
			return false
		}
	}
}

// capturesOnly says whether nobody waits for the first bytes of the answer.
func (e *Exec) capturesOnly() bool {
	return e.spec.MaxOutputBytes != nil && e.spec.Pty == nil && !e.spec.Stdin
}

// collect appends what can be sent now, and says whether there is more. At the very end that is EXIT.
func (e *Exec) collect(a *attachment, b []byte) ([]byte, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.in != nil {
		if c := e.in.consumed(); c > a.acked {
			a.acked = c
			b = frame.AppendOffset(b, frame.StdinAck, c)
		}
	}
	for i, o := range e.out {
		if o == nil {
			continue
		}
		for {
			const head = frame.HeaderLen + frame.OffsetLen
			free := min(cap(b)-len(b)-head-exitRoom, frame.MaxData)
			if free < minData {
				return b, true
			}
			at := len(b)
			room := b[at+head : at+head+free]
			offset, n := o.sink.next(a.sent[i], room, o.done)
			if n == 0 {
				break
			}
			frame.AppendData(b[:at], frame.Stdout+frame.Type(i), offset, n)
			b = b[:at+head+n]
			a.sent[i] = offset + uint64(n)
		}
	}
	if e.exit != nil {
		b = append(b, e.exit...)
		a.last = true
	}
	return b, false
}

const (
	exitRoom = 1024
	minData  = 1024
)

// await waits for RELEASE, or the end of what the client says.
func (e *Exec) await(a *attachment, gone <-chan struct{}) bool {
	t := time.NewTimer(afterExit)
	defer t.Stop()
	select {
	case <-a.quiet:
	case <-a.off:
	case <-gone:
	case <-t.C:
	}
	return true
}
