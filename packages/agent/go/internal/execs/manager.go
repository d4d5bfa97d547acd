package execs

import (
	"errors"
	"net/http"
	"sort"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/active"
	"podkit.dev/agent/internal/apierr"
	"podkit.dev/agent/internal/launch"
	"podkit.dev/agent/internal/reap"
	"podkit.dev/agent/internal/spawn"
	"podkit.dev/agent/internal/tree"
)

const (
	// maxExecs bounds the commands that are kept at the same time.
	maxExecs = 8192
	// maxReleased bounds how many ids are remembered as released.
	maxReleased = 16384
)

// Options are what a Manager works with.
type Options struct {
	Launcher *launch.Launcher
	Reaper   *reap.Reaper
	Trees    *tree.Trees
	Clock    *active.Clock
	// OnActivity is called when a command has ended.
	OnActivity func()
	// Admit says why no command may begin any more; nil where one may. May be nil itself.
	Admit func() error
}

// Manager is the table of commands.
type Manager struct {
	opts    Options
	null    int
	oom     *oomCounter
	discard discards

	mu       sync.Mutex
	execs    map[string]*Exec
	released map[string]struct{}
	order    []string // of released, oldest first
	running  int
}

// New makes a Manager.
func New(opts Options) (*Manager, error) {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, apierr.Wrap(err, "/dev/null")
	}
	return &Manager{opts: opts, null: null, oom: openOomCounter(), execs: map[string]*Exec{}, released: map[string]struct{}{}}, nil
}

// Register adds the routes of commands to mux.
func (m *Manager) Register(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/execs/{id}", m.serve)
	mux.HandleFunc("DELETE /v1/execs/{id}", m.delete)
	mux.HandleFunc("GET /v1/execs", m.list)
}

// Running gives how many commands have not ended.
func (m *Manager) Running() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running
}

// obtain gives the command with this id, and starts it where there is none.
func (m *Manager) obtain(id string, spec *Spec) (*Exec, error) {
	m.mu.Lock()
	if _, gone := m.released[id]; gone {
		m.mu.Unlock()
		return nil, apierr.ExecLost("the command %s was released", id)
	}
	if e, ok := m.execs[id]; ok {
		m.mu.Unlock()
		<-e.started
		return e, e.startErr
	}
	if spec.Stdout != 0 || spec.Stderr != 0 {
		m.mu.Unlock()
		return nil, apierr.NotFound("there is no command %s to go on with", id)
	}
	if m.opts.Admit != nil {
		if err := m.opts.Admit(); err != nil {
			m.mu.Unlock()
			return nil, err
		}
	}
	if len(m.execs) >= maxExecs {
		m.mu.Unlock()
		return nil, apierr.ResourceExhausted("%d commands are kept already; release some", maxExecs)
	}
	e := &Exec{id: id, spec: spec, m: m, started: make(chan struct{}), fin: make(chan struct{}), dead: make(chan struct{})}
	m.execs[id] = e
	m.running++
	m.mu.Unlock()
	e.startErr = e.start()
	if e.startErr != nil {
		m.mu.Lock()
		delete(m.execs, id)
		m.running--
		if errors.Is(e.startErr, spawn.ErrDied) {
			m.release(id) // it may have run: a client that did not hear of this must not start it again
		}
		m.mu.Unlock()
	}
	close(e.started)
	return e, e.startErr
}

// finished is called once by each command that has ended.
func (m *Manager) finished(*Exec) {
	m.mu.Lock()
	m.running--
	m.mu.Unlock()
	if m.opts.OnActivity != nil {
		m.opts.OnActivity()
	}
}

// forget drops a command; its id is remembered as released.
func (m *Manager) forget(e *Exec) {
	m.mu.Lock()
	if m.execs[e.id] == e {
		delete(m.execs, e.id)
		m.release(e.id)
	}
	m.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.forgotten {
		return
	}
	e.forgotten = true
	close(e.dead)
	if e.detachment != nil {
		e.detachment()
	}
	if e.att != nil {
		e.att.cut()
		e.att = nil
	}
}

// releaseAll forgets those of ids, which have commas between, that have ended.
func (m *Manager) releaseAll(ids string) {
	for ids != "" {
		var id string
		id, ids, _ = strings.Cut(ids, ",")
		m.mu.Lock()
		e, ok := m.execs[id]
		m.mu.Unlock()
		if ok {
			e.release()
		}
	}
}

// release remembers an id that is never started again. m.mu is held.
func (m *Manager) release(id string) {
	m.released[id] = struct{}{}
	m.order = append(m.order, id)
	if len(m.order) > maxReleased {
		delete(m.released, m.order[0])
		m.order = m.order[1:]
	}
}

func (m *Manager) delete(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	e, ok := m.execs[r.PathValue("id")]
	m.mu.Unlock()
	if !ok {
		apierr.Write(w, apierr.NotFound("there is no command %s", r.PathValue("id")))
		return
	}
	<-e.started
	e.end(false, true)
	m.forget(e)
	w.WriteHeader(http.StatusNoContent)
}

type listEntry struct {
	ID        string `json:"id"`
	Pid       int    `json:"pid"`
	Argv0     string `json:"argv0"`
	State     string `json:"state"`
	StartedAt int64  `json:"startedAt"`
	Attached  bool   `json:"attached"`
}

func (m *Manager) list(w http.ResponseWriter, _ *http.Request) {
	all := []listEntry{}
	for _, e := range m.all() {
		e.mu.Lock()
		x := listEntry{ID: e.id, Pid: e.proc.Pid, Argv0: e.spec.Argv[0], State: "running", StartedAt: e.startedAt.UnixMilli(), Attached: e.att != nil}
		if e.exit != nil {
			x.State = "exited"
		}
		e.mu.Unlock()
		all = append(all, x)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].ID < all[j].ID })
	apierr.JSON(w, http.StatusOK, map[string]any{"execs": all})
}

// all gives the commands that were started.
func (m *Manager) all() []*Exec {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := make([]*Exec, 0, len(m.execs))
	for _, e := range m.execs {
		select {
		case <-e.started:
			l = append(l, e)
		default:
		}
	}
	return l
}

// Owner gives the id of the command that a mark belongs to.
func (m *Manager) Owner(mark uint64) (string, bool) {
	for _, e := range m.all() {
		if e.proc.Pid != 0 && e.proc.Mark == mark {
			return e.id, true
		}
	}
	return "", false
}
