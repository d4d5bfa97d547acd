// Package runas turns PID 1 into an image's own program under another user: the container itself is root's, so that an agent that
// is started in it later has the rights to serve any user. An engine's `user` would take them from every exec
// under no-new-privileges.
package runas

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"podkit.dev/agent/internal/spawn"
	"podkit.dev/agent/internal/users"
)

// Exit codes, as a shell has them; codeFailed where the user cannot be had.
const (
	codeFailed   = 93
	codeNoExec   = 126
	codeNotFound = 127
)

// Run is `podkit-agent run-as USER -- PROGRAM [ARG...]`. It comes back only where it failed, with the exit code.
func Run(args []string) int {
	if len(args) < 3 || args[1] != "--" || args[2] == "" {
		return failed(codeFailed, errors.New("run-as takes a user, -- and a program"))
	}
	id, err := users.Resolve(args[0], "/")
	if err != nil {
		return failed(codeFailed, err)
	}
	environment(id)
	if err := become(id); err != nil {
		return failed(codeFailed, fmt.Errorf("cannot become %s: %w", args[0], err))
	}
	program, err := exec.LookPath(args[2])
	if err != nil {
		return failed(codeOf(err), err)
	}
	err = syscall.Exec(program, args[2:], os.Environ())
	return failed(codeOf(err), fmt.Errorf("%s: %w", program, err))
}

func failed(code int, err error) int {
	fmt.Fprintln(os.Stderr, "podkit-agent: "+err.Error())
	return code
}

// environment sets what an engine would have set for the user.
func environment(id users.Identity) {
	if home, ok := os.LookupEnv("HOME"); (!ok || home == users.Self("/").Home) && id.Home != "" {
		_ = os.Setenv("HOME", id.Home)
	}
	if os.Getenv("PATH") == "" {
		_ = os.Setenv("PATH", spawn.DefaultPath())
	}
}

func become(id users.Identity) error {
	groups := make([]int, len(id.Groups))
	for i, g := range id.Groups {
		groups[i] = int(g)
	}
	if err := syscall.Setgroups(groups); err != nil {
		return err
	}
	if err := syscall.Setresgid(int(id.GID), int(id.GID), int(id.GID)); err != nil {
		return err
	}
	return syscall.Setresuid(int(id.UID), int(id.UID), int(id.UID))
}

func codeOf(err error) int {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		return codeNotFound
	}
	return codeNoExec
}
