package background

import (
	"os"
	"path/filepath"
	"sort"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
	"podkit.dev/agent/internal/launch"
	"podkit.dev/agent/internal/reap"
	"podkit.dev/agent/internal/tree"
)

// maxProcesses bounds how many are kept, running or not.
const maxProcesses = 4096

var streams = [2]string{"stdout", "stderr"}

// Options are what a Table works with.
type Options struct {
	Launcher *launch.Launcher
	Reaper   *reap.Reaper
	Trees    *tree.Trees
	// Dir is where the processes are on disk.
	Dir string
	// OnActivity is called when a process has ended.
	OnActivity func()
}

// Table is all background processes.
type Table struct {
	opts Options
	null int

	mu  sync.Mutex
	all map[string]*process
}

// New makes a Table of what is on disk. What ran when the last agent ended is lost.
func New(opts Options) (*Table, error) {
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, apierr.Wrap(err, "the folder of processes cannot be made")
	}
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, apierr.Wrap(err, "/dev/null")
	}
	t := &Table{opts: opts, null: null, all: map[string]*process{}}
	entries, err := os.ReadDir(opts.Dir)
	if err != nil {
		return nil, apierr.Wrap(err, "the folder of processes cannot be read")
	}
	for _, e := range entries {
		if p := recover1(filepath.Join(opts.Dir, e.Name())); p != nil {
			t.all[p.info.ID] = p
		}
	}
	return t, nil
}

// recover1 takes up a process that an earlier agent left, or nothing where the folder is not what an agent wrote.
func recover1(dir string) *process {
	info, err := load(dir)
	if err != nil {
		return nil
	}
	p := &process{dir: dir, info: *info, started: make(chan struct{}), done: make(chan struct{}), ended: true, fin: true}
	close(p.started)
	close(p.done)
	for i, name := range streams {
		if l, err := openLog(filepath.Join(dir, name)); err == nil {
			p.logs[i] = l
		}
	}
	i := p.current()
	_ = save(dir, &i)
	return p
}

// Running gives how many processes run.
func (t *Table) Running() int {
	n := 0
	for _, p := range t.list() {
		if p.running() {
			n++
		}
	}
	return n
}

// Owner gives the id of the process that a mark belongs to.
func (t *Table) Owner(mark uint64) (string, bool) {
	for _, p := range t.list() {
		p.mu.Lock()
		ok := p.proc.Pid != 0 && p.proc.Mark == mark
		id := p.info.ID
		p.mu.Unlock()
		if ok {
			return id, true
		}
	}
	return "", false
}

// list gives the processes that were started, the oldest first.
func (t *Table) list() []*process {
	t.mu.Lock()
	l := make([]*process, 0, len(t.all))
	for _, p := range t.all {
		select {
		case <-p.started:
			l = append(l, p)
		default:
		}
	}
	t.mu.Unlock()
	sort.Slice(l, func(i, j int) bool {
		a, b := &l[i].info, &l[j].info // neither changes after the start
		return a.StartedAt < b.StartedAt || a.StartedAt == b.StartedAt && a.ID < b.ID
	})
	return l
}

func (t *Table) get(id string) (*process, error) {
	t.mu.Lock()
	p, ok := t.all[id]
	t.mu.Unlock()
	if ok {
		<-p.started
		ok = p.startErr == nil
	}
	if !ok {
		return nil, apierr.NotFound("there is no process %q", id)
	}
	return p, nil
}

// start gives the process with this id, and starts it where there is none.
func (t *Table) start(id string, s *startJSON) (*process, error) {
	t.mu.Lock()
	if p, ok := t.all[id]; ok {
		t.mu.Unlock()
		<-p.started
		return p, p.startErr
	}
	if len(t.all) >= maxProcesses {
		t.mu.Unlock()
		return nil, apierr.ResourceExhausted("%d processes are kept already; remove some", maxProcesses)
	}
	p := &process{dir: filepath.Join(t.opts.Dir, id), info: Info{ID: id}, started: make(chan struct{}), done: make(chan struct{})}
	t.all[id] = p
	t.mu.Unlock()
	p.startErr = t.run(p, s)
	if p.startErr != nil {
		t.drop(id)
	}
	close(p.started)
	return p, p.startErr
}

func (t *Table) drop(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, id)
}

// Freeze leaves what is on disk as it is: the agent is ending, and what still runs is lost, however it ends now.
func (t *Table) Freeze() {
	for _, p := range t.list() {
		p.mu.Lock()
		p.frozen = true
		p.mu.Unlock()
	}
}

func (t *Table) ended(p *process, s syscall.WaitStatus) {
	p.leaderEnded(s)
	if t.opts.OnActivity != nil {
		t.opts.OnActivity()
	}
}

// signal sends a signal to the process's group, or its tree.
func (t *Table) signal(p *process, sig syscall.Signal, whole bool) {
	switch {
	case p.proc.Pid == 0: // of an earlier agent
	case whole && sig == syscall.SIGKILL:
		t.opts.Trees.End(p.proc.Mark)
	case whole:
		t.opts.Trees.Signal(p.proc.Mark, sig)
	default:
		_ = t.opts.Reaper.Signal(p.proc.Pid, true, sig)
	}
}

// remove ends the process and removes its folder.
func (t *Table) remove(p *process) error {
	if p.proc.Pid != 0 {
		if _, alive := t.opts.Trees.End(p.proc.Mark); alive {
			return apierr.Internal("process %s cannot be ended", p.info.ID).With("reason", "tree_alive")
		}
		<-p.done
	}
	t.drop(p.info.ID)
	p.mu.Lock()
	p.closeLogs()
	p.mu.Unlock()
	if err := os.RemoveAll(p.dir); err != nil {
		return apierr.Wrap(err, "the process's log cannot be removed")
	}
	return nil
}
