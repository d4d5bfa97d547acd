// Package files serves /v1/files: reading, writing, listing and watching files with the rights of a user of the container.
//
// Whatever may wait for a disk runs on a thread of the pool (fsuser), never on one that the Go runtime would have to add.
// Paths are resolved by the kernel with the user's rights, so no check of a path can be overtaken by a change to it.
package files

import (
	"net/http"
	"sync/atomic"

	"podkit.dev/agent/internal/apierr"
	"podkit.dev/agent/internal/fsuser"
	"podkit.dev/agent/internal/users"
)

// Options are what the file API needs from the rest of the agent.
type Options struct {
	// Pool runs all that touches a disk.
	Pool *fsuser.Pool
	// User resolves the `user` parameter; "" asks for the default user.
	User func(spec string) (users.Identity, error)
	// WorkingDir is the absolute folder that relative paths are under.
	WorkingDir string
	// Activity, if set, is told of every request, and of every piece that is transferred; it must be quick.
	Activity func()
	// SpoolDir is a folder of the agent where a body waits that cannot wait in the target's own folder (one that the user
	// may not write to). Without it such writes are refused.
	SpoolDir string
	// MaxWatches bounds the folders of one watch, MaxWatchers the watches at once. Defaults: 8192 and 32.
	MaxWatches, MaxWatchers int
}

// Handler serves the file API.
type Handler struct {
	o        Options
	watchers atomic.Int32
}

// New makes a Handler.
func New(o Options) *Handler {
	if o.Activity == nil {
		o.Activity = func() {}
	}
	if o.MaxWatches == 0 {
		o.MaxWatches = 8192
	}
	if o.MaxWatchers == 0 {
		o.MaxWatchers = 32
	}
	return &Handler{o: o}
}

// Register adds the routes.
func (h *Handler) Register(mux *http.ServeMux) {
	routes := map[string]func(*call) error{
		"GET /v1/files/content": getContent,
		"PUT /v1/files/content": putContent,
		"GET /v1/files/stat":    stat,
		"GET /v1/files/list":    list,
		"POST /v1/files/mkdir":  mkdir,
		"POST /v1/files/rename": rename,
		"DELETE /v1/files":      remove,
		"GET /v1/files/tar":     getTar,
		"PUT /v1/files/tar":     putTar,
		"GET /v1/files/watch":   watch,
	}
	for pattern, fn := range routes {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, fn) })
	}
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, fn func(*call) error) {
	h.o.Activity()
	defer h.o.Activity()
	c, err := h.newCall(w, r)
	if err == nil {
		err = fn(c)
	}
	if err == nil {
		return
	}
	if c != nil && c.began {
		// The status has gone out already: only cutting the stream tells the client that this is not the whole.
		panic(http.ErrAbortHandler)
	}
	apierr.Write(w, err)
}
