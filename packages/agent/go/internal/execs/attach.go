package execs

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"podkit.dev/agent/internal/apierr"
	"podkit.dev/agent/internal/frame"
)

const (
	// firstFlush is how long the answer to a captured command waits for its end, so that a short one is one write.
	firstFlush = 2 * time.Millisecond
	// afterExit is how long a stream waits for RELEASE once EXIT was sent.
	afterExit = 30 * time.Second
	// specHeader holds a SPEC in place of the first frame: then the request is one write of the client's.
	specHeader = "Podkit-Spec"
	// releaseHeader names commands, with commas between, that are released.
	releaseHeader = "Podkit-Release"
)

// attachment is one stream of a command. A command has at most one; a new one cuts the old one off.
type attachment struct {
	wake chan struct{}
	// off is closed when another stream took over, the command was forgotten, or the client broke the protocol.
	off    chan struct{}
	offNow func()
	// quiet is closed when the client has said all.
	quiet chan struct{}

	sent  [2]uint64 // offset of the next byte of each stream
	acked uint64    // the last STDIN_ACK
	last  bool      // EXIT was sent
	brief bool      // the stream ends with EXIT, and RELEASE comes with another request
}

func newAttachment() *attachment {
	a := &attachment{wake: make(chan struct{}, 1), off: make(chan struct{}), quiet: make(chan struct{})}
	a.offNow = sync.OnceFunc(func() { close(a.off) })
	return a
}

func (a *attachment) cut() { a.offNow() }

func (m *Manager) serve(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	if r.ProtoMajor == 1 {
		_ = rc.EnableFullDuplex()
	}
	id := r.PathValue("id")
	if err := CheckID(id); err != nil {
		apierr.Write(w, err)
		return
	}
	m.releaseAll(r.Header.Get(releaseHeader))
	frames := frame.NewReader(r.Body)
	spec, err := requested(r, frames)
	if err != nil {
		apierr.Write(w, err)
		return
	}
	e, err := m.obtain(id, spec)
	if err != nil {
		apierr.Write(w, err)
		return
	}
	a, err := e.attach(spec, r.Header.Get(specHeader) != "")
	if err != nil {
		apierr.Write(w, err)
		return
	}
	defer e.detach(a)
	go e.control(a, frames)
	w.Header().Set("Content-Type", "application/octet-stream")
	if !e.send(a, w, rc, r.Context().Done()) {
		// Not a clean end: the client must see that the answer was cut.
		panic(http.ErrAbortHandler)
	}
}

// requested gives the SPEC, which comes in a header or as the first frame.
func requested(r *http.Request, frames *frame.Reader) (*Spec, error) {
	if s := r.Header.Get(specHeader); s != "" {
		return ParseSpec([]byte(s))
	}
	t, payload, err := frames.Next()
	if err != nil || t != frame.Spec {
		return nil, apierr.InvalidArgument("the body must begin with a SPEC frame, where there is no header %s", specHeader)
	}
	return ParseSpec(payload)
}

// attach makes a stream of this command, from the offsets that spec gives. A brief one ends with EXIT.
func (e *Exec) attach(spec *Spec, brief bool) (*attachment, error) {
	a := newAttachment()
	a.brief = brief
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.forgotten {
		return nil, apierr.ExecLost("the command %s was released", e.id)
	}
	a.sent = [2]uint64{uint64(spec.Stdout), uint64(spec.Stderr)}
	for i, o := range e.out {
		if o != nil && !o.sink.holds(a.sent[i]) || o == nil && a.sent[i] != 0 {
			return nil, apierr.InvalidArgument("the command %s has no byte %d to go on with", e.id, a.sent[i])
		}
	}
	if e.detachment != nil {
		e.detachment()
		e.detachment = nil
	}
	if e.att != nil {
		e.att.cut()
	}
	e.att = a
	if e.in != nil {
		a.acked = e.in.consumed()
	}
	return a, nil
}

// detach ends a stream. Where no other comes in time, the command is ended.
func (e *Exec) detach(a *attachment) {
	a.cut()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.att != a {
		return
	}
	e.att = nil
	if e.forgotten {
		return
	}
	within := max(2*millis(e.spec.GraceMs), 100*time.Millisecond)
	if e.exit != nil {
		// It only waits for its release, which nothing hangs on: a clock that stands still in a pause would have to be woken all the time.
		t := time.AfterFunc(within, e.deserted)
		e.detachment = func() { t.Stop() }
		return
	}
	e.detachment = e.m.opts.Clock.AfterFunc(within, e.deserted)
}

// deserted is called when the client did not come back.
func (e *Exec) deserted() {
	e.mu.Lock()
	stay := e.att != nil
	e.mu.Unlock()
	if stay {
		return
	}
	e.end(false, true)
	e.m.forget(e)
}

// started is the first frame of a stream.
func (e *Exec) startedFrame(b []byte) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	var consumed uint64
	if e.in != nil {
		consumed = e.in.consumed()
	}
	return frame.Append(b, frame.Started, fmt.Appendf(nil, `{"pid":%d,"startedAt":%d,"stdin":%d}`, e.proc.Pid, e.startedAt.UnixMilli(), consumed))
}
