package background

import (
	"io"
	"net/http"
	"strconv"

	"podkit.dev/agent/internal/apierr"
)

// onLogs sends a log from an offset; with follow until the process has ended.
func (t *Table) onLogs(w http.ResponseWriter, r *http.Request, p *process) error {
	q := r.URL.Query()
	which := 0
	switch q.Get("stream") {
	case "", "stdout":
	case "stderr":
		which = 1
	default:
		return apierr.InvalidArgument("stream must be stdout or stderr")
	}
	offset := int64(0)
	if s := q.Get("offset"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return apierr.InvalidArgument("offset must be a whole number")
		}
		offset = n
	}
	p.mu.Lock()
	l := p.logs[which]
	p.mu.Unlock()
	if l == nil {
		return apierr.NotFound("the log of process %s is gone", p.info.ID)
	}
	size, _ := l.counts()
	if offset < 0 {
		offset = max(size+offset, 0)
	}
	offset = min(offset, size)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Podkit-Offset", strconv.FormatInt(offset, 10))
	w.WriteHeader(http.StatusOK)
	f := &follower{p: p, l: l, w: w, rc: http.NewResponseController(w), gone: r.Context().Done()}
	if follow := q.Get("follow"); follow == "1" || follow == "true" {
		f.follow(offset)
	} else {
		f.send(offset, size)
	}
	return nil
}

type follower struct {
	p    *process
	l    *logFile
	w    http.ResponseWriter
	rc   *http.ResponseController
	gone <-chan struct{}
}

// follow sends what there is and what comes, until the process has ended and all is sent.
func (f *follower) follow(at int64) {
	for {
		ended := false
		select {
		case <-f.p.done:
			ended = true
		default:
		}
		size, more := f.l.state() // after looking whether it ended: so nothing that came before is missed
		if !f.send(at, size) || f.rc.Flush() != nil {
			return
		}
		at = size
		if ended {
			return
		}
		select {
		case <-more:
		case <-f.p.done:
		case <-f.gone:
			return
		}
	}
}

// send sends the bytes from at to end. A log that became shorter meanwhile (something in the container changed it) cuts
// the answer.
func (f *follower) send(at, end int64) bool {
	b := chunks.Get().(*[]byte)
	defer chunks.Put(b)
	for at < end {
		n, err := f.l.f.ReadAt((*b)[:min(int64(len(*b)), end-at)], at)
		if n > 0 {
			if _, err := f.w.Write((*b)[:n]); err != nil {
				return false
			}
			at += int64(n)
		}
		if err == io.EOF && at < end || err != nil && err != io.EOF {
			panic(http.ErrAbortHandler)
		}
	}
	return true
}
