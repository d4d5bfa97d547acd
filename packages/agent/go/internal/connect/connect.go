// Package connect is `podkit-agent connect`: one byte stream of stdin and stdout to the agent's socket.
package connect

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/initd"
	"podkit.dev/agent/internal/listen"
)

// CodeFailed is the exit code where the stream never stood.
const CodeFailed = 97

// Options are the arguments of `connect`.
type Options struct {
	// StateDir is where the agent's state is.
	StateDir string
	// Wait is how long the socket is waited for.
	Wait time.Duration
	// Start is the argument of `init`; where it is set the agent is started if none runs.
	Start *string
}

// Run connects, and gives the exit code once the stream has ended.
func Run(o Options) int {
	c, err := dial(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "podkit-agent connect: "+err.Error())
		return CodeFailed
	}
	taken, err := handOver(c)
	if err != nil {
		fmt.Fprintln(os.Stderr, "podkit-agent connect: "+err.Error())
		return CodeFailed
	}
	if taken {
		// Nothing comes; the end of this socket is the end of the stream.
		_, _ = io.Copy(io.Discard, c)
		return 0
	}
	_ = c.Close()
	if c, err = dial(o); err != nil {
		fmt.Fprintln(os.Stderr, "podkit-agent connect: "+err.Error())
		return CodeFailed
	}
	copyBoth(c)
	return 0
}

func dial(o Options) (*net.UnixConn, error) {
	deadline := time.Now().Add(o.Wait)
	started := false
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		c, err := Dial(o.StateDir)
		if err == nil {
			return c, nil
		}
		if o.Start != nil && !started {
			started = true
			if err := startAgent(o.StateDir, *o.Start, deadline); err != nil {
				return nil, err
			}
			continue
		}
		if errors.Is(err, os.ErrPermission) || time.Now().After(deadline) {
			return nil, fmt.Errorf("the agent does not answer at %s: %w", initd.SocketPath(o.StateDir), err)
		}
		time.Sleep(pause)
	}
}

// Dial connects to an agent's socket. It goes by way of the folder's descriptor, since the path of a socket may have 107 bytes at most.
func Dial(stateDir string) (*net.UnixConn, error) {
	dir, err := os.Open(filepath.Join(stateDir, "run"))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return net.DialUnix("unix", nil, &net.UnixAddr{Name: initd.ThroughFd(int(dir.Fd())), Net: "unix"})
}

// handOver gives stdin and stdout to the agent, which then reads and writes them itself.
func handOver(c *net.UnixConn) (taken bool, err error) {
	if _, _, err := c.WriteMsgUnix([]byte{listen.HandOver}, unix.UnixRights(0, 1), nil); err != nil {
		return false, err
	}
	var b [1]byte
	if _, err := io.ReadFull(c, b[:]); err != nil {
		return false, fmt.Errorf("the agent closed the connection: %w", err)
	}
	return b[0] == listen.Accepted, nil
}

// copyBoth copies until either side ends. The end of stdin is passed on, and the agent then ends the stream, so that an
// answer that is on its way still arrives.
func copyBoth(c *net.UnixConn) {
	go func() {
		_, _ = io.Copy(c, os.Stdin)
		_ = c.CloseWrite()
	}()
	_, _ = io.Copy(os.Stdout, c)
	_ = c.Close()
}
