// Package ports serves /v1/ports: the listening TCP sockets of the container and the processes that hold them, from /proc
// alone.
package ports

import (
	"context"
	"net/http"
	"os"
	"sort"
	"time"

	"podkit.dev/agent/internal/apierr"
	"podkit.dev/agent/internal/fsuser"
	"podkit.dev/agent/internal/users"
)

// deadline bounds one answer; a process may have a million descriptors.
const deadline = 10 * time.Second

// Owner is the command, background process or program that a process belongs to.
type Owner struct {
	// Kind is exec, process or program.
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// Port is a listening TCP socket.
type Port struct {
	Port    uint16 `json:"port"`
	Address string `json:"address"`
	// PID and Command are of the process that holds it, null where it cannot be told.
	PID     *int    `json:"pid"`
	Command *string `json:"command"`
	Owner   *Owner  `json:"owner"`
}

// Options are what the port API needs from the rest of the agent.
type Options struct {
	// Pool is where /proc is read with the rights of those whose processes they are: without CAP_SYS_PTRACE not even root may
	// see what another user's process has open, but that user may.
	Pool *fsuser.Pool
	// RunAs runs a program as somebody and gives its standard output; nil: there is no such help. It is used for processes
	// that the pool was refused, with `Executable ports-helper PID…`.
	RunAs func(ctx context.Context, id users.Identity, argv []string) ([]byte, error)
	// Executable is the agent's own path; default os.Executable.
	Executable string
	// OwnerOf tells what a process belongs to; kind "" for nothing. May be nil.
	OwnerOf func(pid int) (kind, id string)
}

// Handler serves the port API.
type Handler struct {
	o    Options
	proc string
}

// New makes a Handler.
func New(o Options) *Handler {
	if o.Executable == "" {
		o.Executable, _ = os.Executable()
	}
	if o.OwnerOf == nil {
		o.OwnerOf = func(int) (string, string) { return "", "" }
	}
	return &Handler{o: o, proc: "/proc"}
}

// Register adds the route.
func (h *Handler) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/ports", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), deadline)
		defer cancel()
		ports, err := h.List(ctx)
		if err != nil {
			apierr.Write(w, err)
			return
		}
		apierr.JSON(w, http.StatusOK, map[string][]Port{"ports": ports})
	})
}

// List gives the listening sockets, sorted by port and address. Several sockets of one address (SO_REUSEPORT) are one.
func (h *Handler) List(ctx context.Context) ([]Port, error) {
	var sockets []socket
	var s *search
	var refused []int
	err := h.o.Pool.DoSelf(ctx, func() (err error) {
		if sockets, err = listening(h.proc); err != nil {
			return err
		}
		s = newSearch(h.proc, sockets)
		if s.done() {
			return nil
		}
		all, err := pids(h.proc)
		refused = s.look(ctx, all)
		return err
	})
	if err != nil {
		return nil, err
	}
	h.askOthers(ctx, s, refused)
	return h.describe(ctx, s, sockets)
}

// askOthers looks into the processes that the agent itself was refused, as those whose they are.
func (h *Handler) askOthers(ctx context.Context, s *search, refused []int) {
	if len(refused) == 0 || s.done() {
		return
	}
	for id, pids := range h.byOwner(ctx, refused) {
		who := users.Identity{UID: id.uid, GID: id.gid, Groups: []uint32{id.gid}, Name: "of the process"}
		left := pids
		// Where this is refused (nobody else may be acted as, or a security module) the helper is tried.
		_ = h.o.Pool.Do(ctx, who, func() error { left = s.look(ctx, pids); return nil })
		if len(left) == 0 || s.done() || h.o.RunAs == nil {
			continue
		}
		out, err := h.o.RunAs(ctx, who, helperArgv(h.o.Executable, left))
		if err != nil {
			continue // those ports then have no pid
		}
		got, err := readHelper(out, left)
		if err != nil {
			continue
		}
		for pid, inodes := range got {
			s.found(pid, inodes)
		}
	}
}

type owner struct{ uid, gid uint32 }

func (h *Handler) byOwner(ctx context.Context, pids []int) map[owner][]int {
	groups := map[owner][]int{}
	_ = h.o.Pool.DoSelf(ctx, func() error {
		for _, pid := range pids {
			if id, ok := identityOf(h.proc, pid); ok {
				o := owner{id.UID, id.GID}
				groups[o] = append(groups[o], pid)
			}
		}
		return nil
	})
	return groups
}

func (h *Handler) describe(ctx context.Context, s *search, sockets []socket) ([]Port, error) {
	ports := []Port{}
	seen := map[string]int{}
	err := h.o.Pool.DoSelf(ctx, func() error {
		for _, sock := range sockets {
			p := Port{Port: sock.addr.Port(), Address: sock.addr.Addr().String()}
			if pid, ok := s.holder[sock.inode]; ok {
				p.PID = &pid
				if c := commandOf(h.proc, pid); c != "" {
					p.Command = &c
				}
			}
			key := sock.addr.String()
			if n, again := seen[key]; !again {
				seen[key] = len(ports)
				ports = append(ports, p)
			} else if ports[n].PID == nil {
				ports[n] = p
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for n := range ports {
		if p := &ports[n]; p.PID != nil {
			if kind, id := h.o.OwnerOf(*p.PID); kind != "" {
				p.Owner = &Owner{Kind: kind, ID: id}
			}
		}
	}
	sort.Slice(ports, func(i, j int) bool {
		a, b := ports[i], ports[j]
		return a.Port < b.Port || a.Port == b.Port && a.Address < b.Address
	})
	return ports, nil
}
