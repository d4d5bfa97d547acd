package execs

import (
	"encoding/json"
	"errors"
	"io"
	"syscall"

	"podkit.dev/agent/internal/frame"
)

var errProtocol = errors.New("the client broke the protocol")

// control reads what the client says, until its end.
func (e *Exec) control(a *attachment, frames *frame.Reader) {
	defer close(a.quiet)
	for {
		t, payload, err := frames.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				a.cut()
			}
			return
		}
		select {
		case <-a.off: // another stream took over; what comes here is of the past
			return
		default:
		}
		done, err := e.handle(a, t, payload)
		if err != nil {
			a.cut()
			return
		}
		if done {
			return
		}
	}
}

func (e *Exec) handle(a *attachment, t frame.Type, payload []byte) (released bool, err error) {
	switch t {
	case frame.Stdin:
		offset, p, err := frame.Data(payload)
		if err != nil || e.in == nil {
			return false, errProtocol
		}
		return false, e.in.accept(offset, p)
	case frame.StdinEOF:
		o, err := frame.Offsets(payload, 1)
		if err != nil || e.in == nil {
			return false, errProtocol
		}
		return false, e.in.finish(o[0])
	case frame.Ack:
		o, err := frame.Offsets(payload, 2)
		if err != nil {
			return false, err
		}
		return false, e.ack(a, o)
	case frame.Signal:
		return false, e.signal(payload)
	case frame.Resize:
		cols, rows, err := frame.Size(payload)
		if err != nil {
			return false, err
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.tty != nil {
			_ = resize(e.tty, cols, rows)
		}
	case frame.Cancel:
		e.end(false, true)
	case frame.Release:
		return e.release(), nil
	default:
		return false, errProtocol
	}
	return false, nil
}

// ack forgets what has arrived. What was never sent cannot have.
func (e *Exec) ack(a *attachment, offsets []uint64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, o := range e.out {
		if offsets[i] > a.sent[i] {
			return errProtocol
		}
		if o != nil && o.sink.ack(offsets[i]) {
			notify(o.space)
		}
	}
	return nil
}

type signalJSON struct {
	Signal string `json:"signal"`
	Tree   bool   `json:"tree"`
}

// signal sends a signal to the command's group or tree. A command that has ended is none to signal, which is no error: it
// may have ended on the way.
func (e *Exec) signal(payload []byte) error {
	var s signalJSON
	if err := json.Unmarshal(payload, &s); err != nil {
		return errProtocol
	}
	sig, ok := ParseSignal(s.Signal)
	if !ok {
		return errProtocol
	}
	if s.Tree && sig == syscall.SIGKILL {
		e.end(false, false)
		return nil
	}
	if s.Tree {
		e.m.opts.Trees.Signal(e.proc.Mark, sig)
		return nil
	}
	if sig == syscall.SIGKILL {
		e.mu.Lock()
		e.weKilled = true
		e.mu.Unlock()
	}
	_ = e.m.opts.Reaper.Signal(e.proc.Pid, true, sig)
	return nil
}

// release forgets the command, where it has ended.
func (e *Exec) release() bool {
	e.mu.Lock()
	ended := e.exit != nil
	e.mu.Unlock()
	if ended {
		// The stream that it had ends by itself, and cleanly.
		e.mu.Lock()
		e.att = nil
		e.mu.Unlock()
		e.m.forget(e)
	}
	return ended
}
