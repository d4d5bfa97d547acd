package agenttest

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"podkit.dev/agent/internal/connect"
	"podkit.dev/agent/internal/initd"
	"podkit.dev/agent/internal/spawn"
)

// Main is what TestMain calls: it lets the test binary be the agent and its spawner.
func Main(m *testing.M) {
	if os.Getenv("PODKIT_TEST_AGENT") != "" && len(os.Args) > 1 {
		switch os.Args[1] {
		case "init":
			os.Exit(initd.Run(os.Args[2], "test"))
		case "spawner":
			os.Exit(spawn.Worker())
		case "connect":
			o := connect.Options{StateDir: os.Args[2], Wait: 10 * time.Second}
			if len(os.Args) > 3 {
				o.Start = &os.Args[3]
			}
			os.Exit(connect.Run(o))
		}
	}
	os.Exit(m.Run())
}

// Agent is an agent that runs beside the test.
type Agent struct {
	*Client
	T     testing.TB
	Dir   string
	State string
	Cmd   *exec.Cmd
	exit  chan struct{}
}

// Start starts an agent with this configuration, in folders of its own.
func Start(t testing.TB, cfg map[string]any) *Agent {
	t.Helper()
	a := &Agent{T: t, Dir: t.TempDir(), exit: make(chan struct{})}
	a.State = filepath.Join(a.Dir, "state")
	all := map[string]any{"workingDir": filepath.Join(a.Dir, "work"), "stateDir": a.State}
	for k, v := range cfg {
		all[k] = v
	}
	a.State = all["stateDir"].(string)
	_ = os.Chmod(a.Dir, 0o755) // other users' commands are to get to the working directory
	_ = os.Chmod(filepath.Dir(a.Dir), 0o755)
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	a.Cmd = exec.Command("/proc/self/exe", "init", string(b))
	a.Cmd.Env = append(os.Environ(), "PODKIT_TEST_AGENT=1")
	a.Cmd.Stderr = os.Stderr
	if err := a.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = a.Cmd.Wait()
		close(a.exit)
	}()
	t.Cleanup(a.Stop)
	a.Client = NewClient(a.dial)
	_, _, _ = a.Do("GET", "/v1/hello", nil) // it is up, or has ended
	return a
}

// Stop kills the agent, in such a way that what it started ends too.
func (a *Agent) Stop() {
	select {
	case <-a.exit:
		return
	default:
		_, _, _ = a.Do("POST", "/v1/shutdown", map[string]any{"graceMs": 0})
	}
	select {
	case <-a.exit:
	case <-time.After(10 * time.Second):
		_ = a.Cmd.Process.Kill()
		<-a.exit
	}
}

// Code waits for the agent's end and gives its exit code.
func (a *Agent) Code(within time.Duration) int {
	a.T.Helper()
	select {
	case <-a.exit:
		return a.Cmd.ProcessState.ExitCode()
	case <-time.After(within):
		a.T.Fatal("the agent did not end")
		return -1
	}
}

func (a *Agent) dial() (net.Conn, error) {
	deadline := time.Now().Add(10 * time.Second)
	for {
		c, err := connect.Dial(a.State)
		if err == nil || time.Now().After(deadline) {
			return c, err
		}
		select {
		case <-a.exit:
			return nil, err
		case <-time.After(2 * time.Millisecond):
		}
	}
}

var ids atomic.Int64

// ID gives an id that was not used before.
func ID() string { return fmt.Sprintf("test-%d-%06d", os.Getpid(), ids.Add(1)) }

// Run runs a command in capture mode.
func (a *Agent) Run(argv ...string) *Result {
	a.T.Helper()
	return a.RunSpec(Spec{"argv": argv})
}

// Sh runs a shell command in capture mode.
func (a *Agent) Sh(script string) *Result {
	a.T.Helper()
	return a.RunSpec(Spec{"argv": []string{"/bin/sh", "-c", script}})
}

// RunSpec runs a command; what is missing in spec is as in capture mode.
func (a *Agent) RunSpec(spec Spec) *Result {
	a.T.Helper()
	s := a.Open(ID(), spec)
	r, err := s.Run()
	if err != nil {
		a.T.Fatalf("%v: %v", spec["argv"], err)
	}
	return r
}

// Open begins a stream and expects that to work.
func (a *Agent) Open(id string, spec Spec) *Stream {
	a.T.Helper()
	s := a.OpenAny(id, spec)
	if s.Status != 200 {
		a.T.Fatalf("%v: status %d: %s", spec["argv"], s.Status, s.Body)
	}
	return s
}

// OpenAny begins a stream, whatever the answer is.
func (a *Agent) OpenAny(id string, spec Spec) *Stream {
	a.T.Helper()
	all := Spec{"stdin": false, "maxOutputBytes": 1 << 20, "graceMs": 5000}
	for k, v := range spec {
		all[k] = v
	}
	s, err := a.Exec(id, all)
	if err != nil {
		a.T.Fatalf("%v: %v", spec["argv"], err)
	}
	return s
}

// Until polls cond for up to 20 s.
func Until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if cond() {
			return
		}
	}
	t.Fatalf("it did not come to this: %s", what)
}
