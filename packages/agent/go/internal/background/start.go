package background

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
	"podkit.dev/agent/internal/execs"
	"podkit.dev/agent/internal/launch"
)

// defaultLog is the cap of each log where none is asked for.
const defaultLog = 64 << 20

type startJSON struct {
	Name        *string           `json:"name"`
	Argv        []string          `json:"argv"`
	Cwd         string            `json:"cwd"`
	Env         map[string]string `json:"env"`
	User        string            `json:"user"`
	MaxLogBytes *float64          `json:"maxLogBytes"`
}

func (s *startJSON) check() error {
	if err := execs.CheckProgram(s.Argv, s.Cwd, s.Env, s.User); err != nil {
		return err
	}
	if s.Name != nil && len(*s.Name) > 1024 {
		return apierr.InvalidArgument("name is longer than 1024 bytes")
	}
	if s.MaxLogBytes != nil && !(*s.MaxLogBytes >= 0 && *s.MaxLogBytes <= 1<<50) {
		return apierr.InvalidArgument("maxLogBytes is %v; it must be a number of bytes", *s.MaxLogBytes)
	}
	return nil
}

// run starts the process; it is on disk before it runs, so that an agent that comes later knows of it.
func (t *Table) run(p *process, s *startJSON) error {
	u, err := t.opts.Launcher.Resolve(s.User)
	if err != nil {
		return err
	}
	name := path.Base(s.Argv[0])
	if s.Name != nil {
		name = *s.Name
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.info.Name, p.info.Argv, p.info.Cwd, p.info.User = name, s.Argv, t.opts.Launcher.Dir(s.Cwd), u.Name
	p.info.State, p.info.StartedAt = stateRunning, time.Now().UnixMilli()
	if err := t.open(p, s); err != nil {
		return apierr.Wrap(err, "the process's folder cannot be made")
	}
	if err := t.launch(p, s); err != nil {
		p.closeLogs()
		_ = os.RemoveAll(p.dir)
		return err
	}
	_ = save(p.dir, &p.info) // with its pid now
	return nil
}

func (t *Table) open(p *process, s *startJSON) error {
	limit := int64(defaultLog)
	if s.MaxLogBytes != nil {
		limit = int64(*s.MaxLogBytes)
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	for i, name := range streams {
		l, err := createLog(filepath.Join(p.dir, name), limit)
		if err != nil {
			p.closeLogs()
			return err
		}
		p.logs[i] = l
	}
	return save(p.dir, &p.info)
}

func (p *process) closeLogs() {
	for i, l := range p.logs {
		if l != nil {
			l.close()
			p.logs[i] = nil
		}
	}
}

func (t *Table) launch(p *process, s *startJSON) error {
	files := [3]int{t.null, -1, -1}
	var own [2]*os.File
	for i := range own {
		var fds [2]int
		if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
			closeFiles(own)
			return apierr.Wrap(err, "no pipe can be made")
		}
		defer unix.Close(fds[1])
		_ = unix.SetNonblock(fds[0], true)
		own[i] = os.NewFile(uintptr(fds[0]), streams[i])
		files[i+1] = fds[1]
	}
	params := &launch.Params{Argv: s.Argv, Cwd: s.Cwd, Env: s.Env, User: s.User}
	proc, err := t.opts.Launcher.Start(context.Background(), params, files, func(s syscall.WaitStatus) { go t.ended(p, s) })
	if err != nil {
		closeFiles(own)
		return programError(err)
	}
	p.proc, p.info.Pid, p.pipes = proc, proc.Pid, len(own)
	for i, f := range own {
		go p.pump(f, p.logs[i])
	}
	return nil
}

func closeFiles(files [2]*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

// programError gives a program that cannot be run the status that the protocol asks for.
func programError(err error) error {
	var p *launch.ProgramError
	if !errors.As(err, &p) {
		return err
	}
	e := apierr.NotFound("%s", p.Message)
	if p.Code == 126 {
		e = apierr.PermissionDenied("%s", p.Message)
	}
	return e.WithStatus(http.StatusBadRequest)
}
