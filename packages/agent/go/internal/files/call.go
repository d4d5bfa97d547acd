package files

import (
	"context"
	"net/http"
	"net/url"

	"podkit.dev/agent/internal/apierr"
	"podkit.dev/agent/internal/users"
)

// call is one request and whose rights it has.
type call struct {
	h  *Handler
	w  http.ResponseWriter
	r  *http.Request
	q  params
	id users.Identity
	// began: a part of the answer may have left, so an error can only cut it.
	began bool
}

func (h *Handler) newCall(w http.ResponseWriter, r *http.Request) (*call, error) {
	// Not r.URL.Query, which drops what it does not understand.
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, apierr.InvalidArgument("the query cannot be read: %v", err)
	}
	c := &call{h: h, w: w, r: r, q: params{values: q, workingDir: h.o.WorkingDir}}
	if c.id, err = h.o.User(q.Get("user")); err != nil {
		return nil, err
	}
	return c, nil
}

// do runs fn with the user's rights on a thread of the pool.
func (c *call) do(fn func() error) error { return c.h.o.Pool.Do(c.r.Context(), c.id, fn) }

// doSelf runs fn with the agent's rights on a thread of the pool.
func (c *call) doSelf(fn func() error) error { return c.h.o.Pool.DoSelf(c.r.Context(), fn) }

// cleanup runs fn with the user's rights even where the client has gone.
func (c *call) cleanup(fn func()) {
	_ = c.h.o.Pool.Do(context.WithoutCancel(c.r.Context()), c.id, func() error { fn(); return nil })
}

// send writes a part of a streamed answer.
func (c *call) send(b []byte) error {
	c.h.o.Activity()
	c.began = true
	_, err := c.w.Write(b)
	return err
}
