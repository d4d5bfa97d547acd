package initd

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/active"
	"podkit.dev/agent/internal/background"
	"podkit.dev/agent/internal/execs"
	"podkit.dev/agent/internal/files"
	"podkit.dev/agent/internal/fsuser"
	"podkit.dev/agent/internal/launch"
	"podkit.dev/agent/internal/listen"
	"podkit.dev/agent/internal/reap"
	"podkit.dev/agent/internal/server"
	"podkit.dev/agent/internal/spawn"
	"podkit.dev/agent/internal/tree"
	"podkit.dev/agent/internal/users"
)

// threads are made ahead: at the pids limit the Go runtime aborts when it cannot make one.
const threads = 32

// Agent is the whole of it.
type Agent struct {
	cfg       *Config
	instance  string
	startedAt time.Time

	reaper  *reap.Reaper
	spawner *spawn.Client
	trees   *tree.Trees
	clock   *active.Clock
	idle    *server.Idle
	launch  *launch.Launcher
	execs   *execs.Manager
	table   *background.Table
	pool    *fsuser.Pool

	listener *listen.Listener
	handler  http.Handler

	program program

	ending sync.Once
	ended  chan end
}

// Run is `podkit-agent init`. It gives the exit code.
func Run(arg, version string) int {
	spawn.Quiet()
	spawn.PrestartThreads(threads)
	cfg, err := ParseConfig(arg)
	if err != nil {
		return failed(err)
	}
	a, err := start(cfg, version)
	if err != nil {
		return failed(err)
	}
	return a.run()
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, "podkit-agent: "+err.Error())
	return codeNoStart
}

func start(cfg *Config, version string) (*Agent, error) {
	if os.Getpid() != 1 {
		// Orphans are to come here, not to a PID 1 that does not know them.
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return nil, fmt.Errorf("prctl(PR_SET_CHILD_SUBREAPER): %w", err)
		}
	}
	limit, err := spawn.OwnLimit()
	if err != nil {
		return nil, fmt.Errorf("RLIMIT_LOCKS cannot be read: %w", err)
	}
	// First of all: where another agent has this state folder, nothing in it may be touched.
	socket, err := openSocket(cfg)
	if err != nil {
		return nil, err
	}
	a := &Agent{cfg: cfg, startedAt: time.Now(), clock: active.New(100 * time.Millisecond), ended: make(chan end, 1)}
	var id [16]byte
	_, _ = rand.Read(id[:])
	a.instance = hex.EncodeToString(id[:])
	a.reaper = reap.New()
	if !a.reaper.Blocks() {
		// What a command costs here is mostly the switching of threads, of which there is half as much with one processor.
		runtime.GOMAXPROCS(1)
	}
	go a.reaper.Run()
	marks := spawn.NewMarks(limit)
	a.trees = &tree.Trees{Issued: marks.Issued, Look: a.reaper.Look}
	a.spawner = &spawn.Client{Marks: marks, Reaper: a.reaper, Sweep: func(mark uint64) bool {
		met, _ := a.trees.End(mark)
		return met > 0
	}}
	a.spawner.Nudge = func(mark uint64) { a.trees.Signal(mark, syscall.SIGCONT) }
	a.trees.Spawner, a.trees.Leader = a.spawner.Pid, a.spawner.Leader
	if err := a.makeLauncher(); err != nil {
		return nil, err
	}
	rest := active.New(time.Second)
	if a.stopsAtRest() {
		rest.Hold() // for ever
	}
	a.idle = server.NewIdle(rest, a.startedAt)
	a.execs, err = execs.New(execs.Options{Launcher: a.launch, Reaper: a.reaper, Trees: a.trees, Clock: a.clock, OnActivity: a.idle.Touch, Admit: a.admit})
	if err != nil {
		return nil, err
	}
	a.table, err = background.New(background.Options{
		Launcher: a.launch, Reaper: a.reaper, Trees: a.trees, Dir: filepath.Join(cfg.StateDir, "processes"), OnActivity: a.idle.Touch,
	})
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(a.spool(), 0o700); err != nil {
		return nil, fmt.Errorf("the state folder cannot be made: %w", err)
	}
	a.pool = fsuser.New(fsuser.DefaultSize)
	a.listener = listen.New(socket)
	a.handler = a.routes(version)
	return a, nil
}

func (a *Agent) makeLauncher() error {
	self := users.Self("/")
	def := self
	if a.cfg.User != "" {
		u, err := users.Resolve(a.cfg.User, "/")
		if err != nil {
			return err
		}
		def = u
	}
	if err := prepareWorkingDir(a.cfg.WorkingDir, def); err != nil {
		return err
	}
	a.launch = &launch.Launcher{
		Spawner: a.spawner, Self: self, Env: cleanEnv(os.Environ()), WorkingDir: a.cfg.WorkingDir,
		Resolve: func(spec string) (users.Identity, error) {
			if spec == "" {
				return def, nil
			}
			return users.Resolve(spec, "/")
		},
	}
	return nil
}

// cleanEnv is the environment of every command: the agent's, less what is the agent's own business.
func cleanEnv(env []string) []string {
	out := env[:0:0]
	for _, kv := range env {
		if !strings.HasPrefix(kv, "PODKIT_") && strings.Contains(kv, "=") {
			out = append(out, kv)
		}
	}
	return out
}

// admit says whether a command may begin.
func (a *Agent) admit() error {
	if !a.idle.Admit() {
		return server.ErrEnding
	}
	return nil
}

func (a *Agent) routes(version string) http.Handler {
	return server.New(server.Info{
		Version: version, Instance: a.instance, UID: os.Geteuid(), Pid: os.Getpid(), StartedAt: a.startedAt,
		Features: []string{"exec", "brief", "pty", "files", "tar", "watch", "ports", "processes"},
	}, a, a.idle, a.execs, a.table, a.files(), a.ports())
}

func (a *Agent) spool() string { return filepath.Join(a.cfg.StateDir, "spool") }

func (a *Agent) files() *files.Handler {
	return files.New(files.Options{
		Pool: a.pool, User: a.launch.Resolve, WorkingDir: a.cfg.WorkingDir,
		Activity: a.idle.Touch, SpoolDir: a.spool(),
	})
}

func (a *Agent) run() int {
	go func() { _ = server.Serve(net.Listener(a.listener), a.handler) }()
	go a.watchSignals()
	go a.watchRest()
	if a.cfg.MaxLifetimeMs != nil {
		time.AfterFunc(optional(a.cfg.MaxLifetimeMs), func() { a.stop(end{why: "max", code: codeMax}, defaultGrace) })
	}
	if len(a.cfg.Program) > 0 {
		a.startProgram()
	}
	e := <-a.ended
	a.writeEnd(e)
	return e.code
}

// Status is the answer to GET /v1/status.
func (a *Agent) Status() any {
	rest, last := a.idle.Rest()
	s := map[string]any{
		"instance": a.instance, "now": time.Now().UnixMilli(), "lastActivityAt": last.UnixMilli(),
		"startedAt": a.startedAt.UnixMilli(), "lifetimeMs": a.cfg.LifetimeMs,
		"running": map[string]int{"execs": a.execs.Running(), "processes": a.table.Running()},
		"program": a.program.statusJSON(), "idleAt": nil,
	}
	if a.stopsAtRest() && !a.working() {
		s["idleAt"] = time.Now().Add(optional(a.cfg.LifetimeMs) - rest).UnixMilli()
	}
	return s
}

// stopsAtRest says whether there is an idle stop.
func (a *Agent) stopsAtRest() bool { return a.cfg.LifetimeMs != nil && len(a.cfg.Program) == 0 }

// working says whether something runs that is never cut off by the idle stop.
func (a *Agent) working() bool { return a.execs.Running() > 0 || a.table.Running() > 0 }
