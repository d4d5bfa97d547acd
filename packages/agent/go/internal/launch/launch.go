// Package launch turns what a client asked for (argv, cwd, env, user) into a program that runs.
package launch

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sort"
	"strings"
	"syscall"

	"podkit.dev/agent/internal/apierr"
	"podkit.dev/agent/internal/spawn"
	"podkit.dev/agent/internal/users"
)

// Params is one program to start.
type Params struct {
	Argv []string
	// Cwd is relative to the working directory; empty is the working directory itself.
	Cwd string
	// Env is laid over the agent's environment.
	Env map[string]string
	// User is as in the protocol; empty is the default user.
	User string
	// Tty makes the first descriptor the controlling terminal.
	Tty bool
}

// Launcher starts programs.
type Launcher struct {
	Spawner *spawn.Client
	// Resolve looks up a user; the empty string is the default user.
	Resolve func(spec string) (users.Identity, error)
	// Self is who the agent is.
	Self users.Identity
	// Env is the environment that every program gets.
	Env []string
	// WorkingDir is the default working directory.
	WorkingDir string
}

// ProgramError is a program that was not found (Code 127) or may not be executed (Code 126).
type ProgramError struct {
	Code    int
	Message string
}

// Error is the message that a shell would print.
func (e *ProgramError) Error() string { return e.Message }

// Start starts p with the three descriptors. Errors are *ProgramError or *apierr.Error.
func (l *Launcher) Start(ctx context.Context, p *Params, files [3]int, onEnd func(syscall.WaitStatus)) (spawn.Process, error) {
	req, err := l.request(p)
	if err != nil {
		return spawn.Process{}, err
	}
	proc, err := l.Spawner.Start(ctx, req, files, onEnd)
	if err != nil {
		return proc, explain(err, p, req)
	}
	return proc, nil
}

func (l *Launcher) request(p *Params) (*spawn.Request, error) {
	u, err := l.Resolve(p.User)
	if err != nil {
		return nil, err
	}
	env := l.environment(p.Env, u)
	req := &spawn.Request{Argv: p.Argv, Env: env, Path: spawn.PathOf(env), Cwd: l.Dir(p.Cwd), Tty: p.Tty}
	if u.UID != l.Self.UID || u.GID != l.Self.GID || !sameGroups(u.Groups, l.Self.Groups) {
		if l.Self.UID != 0 {
			return nil, apierr.PermissionDenied("the agent runs as uid %d and cannot start a program as uid %d, gid %d", l.Self.UID, u.UID, u.GID)
		}
		req.Cred = &spawn.Cred{UID: u.UID, GID: u.GID, Groups: u.Groups}
	}
	return req, nil
}

// Dir gives the absolute working directory of a program. It does not clean the path, which would change what ".." after
// a symlink means.
func (l *Launcher) Dir(cwd string) string {
	switch {
	case path.IsAbs(cwd):
		return cwd
	case cwd == "":
		return l.WorkingDir
	}
	return strings.TrimSuffix(l.WorkingDir, "/") + "/" + cwd
}

// environment lays over over the agent's environment. PATH and HOME are always there.
func (l *Launcher) environment(over map[string]string, u users.Identity) []string {
	env := make([]string, 0, len(l.Env)+len(over)+2)
	home, path := false, false
	note := func(name string) {
		home = home || name == "HOME"
		path = path || name == "PATH"
	}
	for _, kv := range l.Env {
		name, _, _ := strings.Cut(kv, "=")
		if _, ok := over[name]; ok {
			continue
		}
		// The engine sets the agent's own home where the configuration says nothing; another user's home is of no use.
		if u.UID != l.Self.UID && u.Home != "" && kv == "HOME="+l.Self.Home {
			continue
		}
		note(name)
		env = append(env, kv)
	}
	names := make([]string, 0, len(over))
	for name := range over {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		note(name)
		env = append(env, name+"="+over[name])
	}
	if !path {
		env = append(env, "PATH="+spawn.DefaultPath())
	}
	if !home {
		h := u.Home
		if h == "" {
			h = "/"
		}
		env = append(env, "HOME="+h)
	}
	return env
}

func sameGroups(a, b []uint32) bool {
	if len(a) != len(b) {
		return false
	}
	in := make(map[uint32]bool, len(a))
	for _, g := range a {
		in[g] = true
	}
	for _, g := range b {
		if !in[g] {
			return false
		}
	}
	return true
}

func explain(err error, p *Params, req *spawn.Request) error {
	var e *spawn.Error
	if !errors.As(err, &e) {
		return apierr.Internal("%w", err)
	}
	switch e.Stage {
	case spawn.StageCwd:
		switch e.Errno {
		case syscall.ENOENT, syscall.ENOTDIR:
			return apierr.NotFound("the working directory %q is not there: %v", req.Cwd, e.Errno)
		case syscall.EACCES, syscall.EPERM:
			return apierr.PermissionDenied("the working directory %q may not be entered: %v", req.Cwd, e.Errno)
		}
		return apierr.Wrap(e.Errno, fmt.Sprintf("working directory %q", req.Cwd))
	case spawn.StageNotFound:
		return notFound(p, "not found")
	case spawn.StageNoExec:
		return noExec(p, e.Errno)
	case spawn.StageLimit:
		return apierr.Internal("the command cannot be marked (RLIMIT_LOCKS): %v", e.Errno)
	}
	return explainExec(e.Errno, p, req)
}

func explainExec(errno syscall.Errno, p *Params, req *spawn.Request) error {
	switch errno {
	case syscall.ENOENT, syscall.ENOTDIR:
		return notFound(p, "not found (is its interpreter there?)")
	case syscall.EACCES, syscall.ENOEXEC, syscall.EISDIR, syscall.ETXTBSY, syscall.E2BIG, syscall.ELIBBAD, syscall.ELOOP:
		return noExec(p, errno)
	case syscall.EPERM:
		if req.Cred != nil {
			return apierr.PermissionDenied("the agent may not start a program as uid %d, gid %d: %v", req.Cred.UID, req.Cred.GID, errno)
		}
		return noExec(p, errno)
	case syscall.EAGAIN:
		return apierr.ResourceExhausted("no process can be started: the limit of processes is reached")
	}
	return apierr.Wrap(errno, fmt.Sprintf("starting %q", p.Argv[0]))
}

func notFound(p *Params, why string) error {
	return &ProgramError{Code: 127, Message: p.Argv[0] + ": " + why}
}

func noExec(p *Params, errno syscall.Errno) error {
	why := errno.Error()
	if len(why) > 0 {
		why = strings.ToUpper(why[:1]) + why[1:]
	}
	return &ProgramError{Code: 126, Message: p.Argv[0] + ": " + why}
}
