package connect_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"podkit.dev/agent/internal/agenttest"
	"podkit.dev/agent/internal/connect"
	"podkit.dev/agent/internal/initd"
)

func TestMain(m *testing.M) { agenttest.Main(m) }

// pipeConn is the near end of a `connect` whose stdin and stdout are pipes.
type pipeConn struct {
	io.Reader
	io.WriteCloser
	net.Conn
	cmd *exec.Cmd
}

func (p *pipeConn) Read(b []byte) (int, error)       { return p.Reader.Read(b) }
func (p *pipeConn) Write(b []byte) (int, error)      { return p.WriteCloser.Write(b) }
func (p *pipeConn) Close() error                     { return p.WriteCloser.Close() }
func (p *pipeConn) SetDeadline(time.Time) error      { return nil }
func (p *pipeConn) SetReadDeadline(time.Time) error  { return nil }
func (p *pipeConn) SetWriteDeadline(time.Time) error { return nil }

func command(args ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", args...)
	c.Env = append(os.Environ(), "PODKIT_TEST_AGENT=1")
	return c
}

func open(t *testing.T, stateDir string) *pipeConn {
	t.Helper()
	c := command("connect", stateDir)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	return &pipeConn{Reader: out, WriteCloser: in, cmd: c}
}

func TestCommandsOverConnect(t *testing.T) {
	a := agenttest.Start(t, nil)
	p := open(t, a.State)
	a.Client = agenttest.NewClient(func() (net.Conn, error) { return p, nil })
	for range 20 {
		if r := a.Sh("echo over pipes"); string(r.Out) != "over pipes\n" {
			t.Fatalf("%q", r.Out)
		}
	}
	// The near end is closed; the agent ends the stream, and `connect` with it.
	_ = p.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	a.Client = agenttest.NewClient(func() (net.Conn, error) { return connect.Dial(a.State) })
}

func TestAgentSeesThatConnectWasKilled(t *testing.T) {
	a := agenttest.Start(t, nil)
	p := open(t, a.State)
	over := agenttest.NewClient(func() (net.Conn, error) { return p, nil })
	id := agenttest.ID()
	s, err := over.Exec(id, agenttest.Spec{"argv": []string{"sleep", "1000"}, "maxOutputBytes": nil, "graceMs": 100})
	if err != nil || s.Status != 200 {
		t.Fatal(err)
	}
	_ = p.cmd.Process.Kill()
	// Both ends of the pipes are still open on this side: only the death of `connect` tells.
	agenttest.Until(t, "the command was deserted and ended", func() bool {
		_, b, _ := a.Do("GET", "/v1/status", nil)
		return strings.Contains(string(b), `"execs":0`)
	})
	_, _ = io.Copy(io.Discard, p)
}

func TestConnectEndsWithTheAgent(t *testing.T) {
	a := agenttest.Start(t, nil)
	p := open(t, a.State)
	if _, err := io.WriteString(p, "GET /v1/hello HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(p), nil)
	if err != nil || res.StatusCode != 200 {
		t.Fatal(err)
	}
	_ = a.Cmd.Process.Kill()
	if err := p.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreCopied(t *testing.T) {
	a := agenttest.Start(t, nil)
	in := filepath.Join(a.Dir, "in")
	_ = os.WriteFile(in, []byte("GET /v1/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), 0o600)
	f, err := os.Open(in)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := command("connect", a.State)
	c.Stdin = f
	out, err := c.Output()
	if err != nil || !strings.Contains(string(out), `"instance"`) {
		t.Fatal(err, string(out))
	}
}

func TestNoAgentIs97(t *testing.T) {
	o := connect.Options{StateDir: t.TempDir(), Wait: time.Millisecond}
	if got := connect.Run(o); got != connect.CodeFailed {
		t.Fatal(got)
	}
	bad := `{"user":"no-such-user"}`
	o = connect.Options{StateDir: t.TempDir(), Wait: 10 * time.Second, Start: &bad}
	t.Setenv("PODKIT_TEST_AGENT", "1")
	if got := connect.Run(o); got != connect.CodeFailed {
		t.Fatal(got)
	}
}

func TestStartsOneAgent(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PODKIT_TEST_AGENT", "1")
	b, _ := json.Marshal(map[string]any{"stateDir": dir, "workingDir": "/tmp", "lifetimeMs": 60_000})
	arg := string(b)
	instances := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c := command("connect", dir, arg)
			c.Stdin = strings.NewReader("GET /v1/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			out, err := c.Output()
			_, body, _ := strings.Cut(string(out), "\r\n\r\n")
			var hello struct{ Instance string }
			if err != nil || json.Unmarshal([]byte(body), &hello) != nil {
				t.Errorf("%v %s", err, out)
			}
			mu.Lock()
			instances[hello.Instance] = true
			mu.Unlock()
		}()
	}
	wg.Wait()
	if len(instances) != 1 {
		t.Errorf("%v", instances)
	}
	client := agenttest.NewClient(func() (net.Conn, error) { return connect.Dial(dir) })
	if status, _, err := client.Do("POST", "/v1/shutdown", map[string]any{"graceMs": 0}); err != nil || status != 202 {
		t.Fatal(status, err)
	}
	agenttest.Until(t, "the agent is gone", func() bool { _, err := connect.Dial(dir); return err != nil })
}

func TestOtherUsersAreNotLetIn(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: a peer of another user")
	}
	a := agenttest.Start(t, nil)
	a.Run("true")
	// Even where the folder would let them.
	for _, dir := range []string{a.Dir, a.State, filepath.Join(a.State, "run")} {
		_ = os.Chmod(dir, 0o755)
	}
	_ = os.Chmod(initd.SocketPath(a.State), 0o777)
	exe := filepath.Join(a.Dir, "test-binary")
	b, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(exe, b, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, "connect", a.State)
	c.Env = append(os.Environ(), "PODKIT_TEST_AGENT=1")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	c.Stdin = strings.NewReader("GET /v1/hello HTTP/1.1\r\nHost: a\r\n\r\n")
	out, err := c.CombinedOutput()
	if c.ProcessState.ExitCode() != connect.CodeFailed || strings.Contains(string(out), "instance") {
		t.Fatalf("%v %s", err, out)
	}
}
