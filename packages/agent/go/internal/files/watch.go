package files

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

// Change is one line of a watch.
type Change struct {
	// Type is ready, created, modified, removed, renamed or overflow. A rename is `renamed` with the old path where it was
	// inside, and `created` with the new one where that is.
	Type string `json:"type"`
	Path string `json:"path"`
}

// watch streams the changes in a folder (with `recursive` in all below it), or of one file, until the client lets go or the
// folder itself is gone. What is in a folder that appears is reported at least once. `overflow` says that changes were
// missed: the client was too slow, or there are more folders than may be watched.
func watch(c *call) error {
	path, err := c.q.path("path")
	if err != nil {
		return err
	}
	recursive, err := c.q.flag("recursive", false)
	if err != nil {
		return err
	}
	if c.h.watchers.Add(1) > int32(c.h.o.MaxWatchers) {
		c.h.watchers.Add(-1)
		return apierr.ResourceExhausted("%d watches are open, and no more are allowed at once", c.h.o.MaxWatchers)
	}
	defer c.h.watchers.Add(-1)
	in, err := newInotify()
	if err != nil {
		return failed(err, "watching", path)
	}
	defer in.close()
	t := &watchTree{in: in, root: shown(path), recursive: recursive, max: c.h.o.MaxWatches, dir: -1, paths: map[int32]string{}}
	defer func() {
		if t.dir >= 0 {
			unix.Close(t.dir)
		}
	}()
	if err := c.do(func() error { return t.begin(path, c.id.UID) }); err != nil {
		return failed(err, "watching", path)
	}
	// A deadline in the past wakes the reader; closing from another goroutine could close a descriptor that is another's by
	// then.
	stop := context.AfterFunc(c.r.Context(), func() { in.file.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()

	c.w.Header().Set("Content-Type", "application/x-ndjson")
	t.report("ready", "")
	for {
		if err := t.send(c); err != nil {
			return err
		}
		if t.over {
			return nil
		}
		events, err := in.read()
		if err != nil {
			return err
		}
		if err := c.do(func() error { t.handle(events); return nil }); err != nil {
			return err
		}
	}
}

// send writes what was reported since the last time, each repeated change once.
func (t *watchTree) send(c *call) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	var last Change
	for _, change := range t.out {
		if change != last {
			_ = enc.Encode(change) // strings can always be encoded
		}
		last = change
	}
	t.out = t.out[:0]
	if buf.Len() == 0 {
		return nil
	}
	if err := c.send(buf.Bytes()); err != nil {
		return err
	}
	return http.NewResponseController(c.w).Flush()
}
