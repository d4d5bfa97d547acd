package initd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// SocketPath is where the socket of an agent with this state folder is.
func SocketPath(stateDir string) string { return filepath.Join(stateDir, "run", "agent.sock") }

// openSocket makes the state folder and the socket in it, or takes the one that was handed in.
func openSocket(cfg *Config) (*net.UnixListener, error) {
	run := filepath.Join(cfg.StateDir, "run")
	if err := os.MkdirAll(run, 0o700); err != nil {
		return nil, fmt.Errorf("the state folder cannot be made: %w", err)
	}
	if err := os.Chmod(run, 0o700); err != nil {
		return nil, fmt.Errorf("the state folder cannot be closed to others: %w", err)
	}
	if cfg.ListenFd != nil {
		return inherited(*cfg.ListenFd)
	}
	name := SocketPath(cfg.StateDir)
	if err := clearStale(name); err != nil {
		return nil, err
	}
	// The path of a socket may have 107 bytes at most; by way of the folder's descriptor it always fits.
	dir, err := os.Open(run)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: ThroughFd(int(dir.Fd())), Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("the socket %s cannot be made: %w", name, err)
	}
	l.SetUnlinkOnClose(false)
	return l, nil
}

// ThroughFd gives a short path to the socket in the folder that is open as fd.
func ThroughFd(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) + "/agent.sock" }

// clearStale removes a socket that nobody listens at. One where somebody does is another agent.
func clearStale(name string) error {
	if _, err := os.Lstat(name); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if c, err := net.DialTimeout("unix", name, time.Second); err == nil {
		_ = c.Close()
		return fmt.Errorf("another agent listens at %s", name)
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the old socket cannot be removed: %w", err)
	}
	return nil
}

func inherited(fd int) (*net.UnixListener, error) {
	syscall.CloseOnExec(fd)
	f := os.NewFile(uintptr(fd), "listener")
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("descriptor %d is no listening socket: %w", fd, err)
	}
	u, ok := l.(*net.UnixListener)
	if !ok {
		_ = l.Close()
		return nil, fmt.Errorf("descriptor %d is no unix socket", fd)
	}
	u.SetUnlinkOnClose(false)
	return u, nil
}
