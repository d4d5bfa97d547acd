package connect

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// startAgent starts the agent in a session of its own, where none runs. A lock makes one of several that try at once.
func startAgent(stateDir, arg string, deadline time.Time) error {
	run := filepath.Join(stateDir, "run")
	if err := os.MkdirAll(run, 0o700); err != nil {
		return fmt.Errorf("the state folder cannot be made: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(run, "start.lock"), os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	for unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		if time.Now().After(deadline) {
			return fmt.Errorf("another connect is starting the agent and does not come to an end")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if c, err := Dial(stateDir); err == nil {
		return c.Close()
	}
	return launch(stateDir, run, arg, deadline)
}

func launch(stateDir, run, arg string, deadline time.Time) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	said, err := os.OpenFile(filepath.Join(run, "start.err"), os.O_CREATE|os.O_TRUNC|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer said.Close()
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"podkit-agent", "init", arg}, &syscall.ProcAttr{
		Dir: "/", Env: os.Environ(),
		Files: []uintptr{null.Fd(), null.Fd(), said.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return fmt.Errorf("the agent cannot be started: %w", err)
	}
	for time.Now().Before(deadline) {
		if c, err := Dial(stateDir); err == nil {
			return c.Close()
		}
		var status syscall.WaitStatus
		if got, _ := syscall.Wait4(pid, &status, syscall.WNOHANG, nil); got == pid {
			text, _ := os.ReadFile(said.Name())
			return fmt.Errorf("the agent did not start (exit %d): %s", status.ExitStatus(), strings.TrimSpace(string(text)))
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("the agent was started and does not answer in time")
}
