package initd

import (
	"context"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/ports"
	"podkit.dev/agent/internal/spawn"
	"podkit.dev/agent/internal/tree"
	"podkit.dev/agent/internal/users"
)

func (a *Agent) ports() *ports.Handler {
	return ports.New(ports.Options{Pool: a.pool, OwnerOf: a.ownerOf, RunAs: a.runAs, Executable: "/proc/self/exe"})
}

// ownerOf tells by its mark what a process belongs to.
func (a *Agent) ownerOf(pid int) (kind, id string) {
	mark, err := tree.Mark(pid)
	if err != nil {
		return "", ""
	}
	if id, ok := a.execs.Owner(mark); ok {
		return "exec", id
	}
	if id, ok := a.table.Owner(mark); ok {
		return "process", id
	}
	if a.program.owns(mark) {
		return "program", "program"
	}
	return "", ""
}

const (
	// helperTime and helperOutput bound what a helper may take.
	helperTime   = 5 * time.Second
	helperOutput = 8 << 20
)

// runAs runs one of the agent's own helpers as id and gives its output. It goes through the spawner like everything else,
// since only the reaper may wait for children.
func (a *Agent) runAs(ctx context.Context, id users.Identity, argv []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, helperTime)
	defer cancel()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	_ = unix.SetNonblock(fds[0], true)
	out := os.NewFile(uintptr(fds[0]), "helper")
	defer out.Close()
	defer context.AfterFunc(ctx, func() { _ = out.SetReadDeadline(time.Unix(1, 0)) })()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		_ = unix.Close(fds[1])
		return nil, err
	}
	defer null.Close()
	req := &spawn.Request{Argv: argv, Cwd: "/", Path: spawn.DefaultPath()}
	if id.UID != a.launch.Self.UID || id.GID != a.launch.Self.GID {
		req.Cred = &spawn.Cred{UID: id.UID, GID: id.GID, Groups: id.Groups}
	}
	fd := int(null.Fd())
	p, err := a.spawner.Start(ctx, req, [3]int{fd, fds[1], fd}, func(syscall.WaitStatus) {})
	_ = unix.Close(fds[1])
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(out, helperOutput))
	if err != nil {
		a.trees.End(p.Mark)
	}
	return b, err
}
