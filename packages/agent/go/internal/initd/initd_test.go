package initd_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"podkit.dev/agent/internal/agenttest"
	"podkit.dev/agent/internal/initd"
)

func TestMain(m *testing.M) { agenttest.Main(m) }

type state struct {
	End  string
	Code int
	At   int64
}

func ended(t *testing.T, a *agenttest.Agent, code int, why string) {
	t.Helper()
	if got := a.Code(30 * time.Second); got != code {
		t.Fatalf("exit code %d instead of %d", got, code)
	}
	var s state
	b, err := os.ReadFile(filepath.Join(a.State, "state.json"))
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil || s.End != why || s.Code != code || s.At == 0 {
		t.Fatalf("%v %s", err, b)
	}
	if _, err := os.Lstat(initd.SocketPath(a.State)); err == nil {
		t.Error("the socket is still there")
	}
}

func TestIdleStop(t *testing.T) {
	t.Parallel()
	a := agenttest.Start(t, map[string]any{"lifetimeMs": 300})
	ended(t, a, 90, "idle")
}

func TestNoIdleStopWhileACommandRuns(t *testing.T) {
	t.Parallel()
	a := agenttest.Start(t, map[string]any{"lifetimeMs": 2000})
	r := a.RunSpec(agenttest.Spec{"argv": []string{"sh", "-c", "sleep 3; echo whole"}})
	if string(r.Out) != "whole\n" {
		t.Fatalf("%q", r.Out)
	}
	ended(t, a, 90, "idle")
}

func TestNoIdleStopWhileACommandRunsDetached(t *testing.T) {
	t.Parallel()
	a := agenttest.Start(t, map[string]any{"lifetimeMs": 2000})
	file := filepath.Join(a.Dir, "whole")
	s := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"sh", "-c", "sleep 3; echo whole > " + file}, "graceMs": 60_000})
	s.Cut()
	ended(t, a, 90, "idle")
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
}

func TestNoIdleStopWhileAProcessRuns(t *testing.T) {
	t.Parallel()
	a := agenttest.Start(t, map[string]any{"lifetimeMs": 2000})
	file := filepath.Join(a.Dir, "whole")
	status, b, err := a.Do("POST", "/v1/processes/background", map[string]any{"argv": []string{"sh", "-c", "sleep 3; echo whole > " + file}})
	if err != nil || status != 200 {
		t.Fatal(status, string(b), err)
	}
	ended(t, a, 90, "idle")
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
}

func TestChildrenThatWereLeftAreNoWork(t *testing.T) {
	t.Parallel()
	a := agenttest.Start(t, map[string]any{"lifetimeMs": 2000})
	a.Sh("setsid sleep 1000 >/dev/null 2>&1 &")
	ended(t, a, 90, "idle")
}

func TestActivityPutsTheIdleStopOff(t *testing.T) {
	a := agenttest.Start(t, map[string]any{"lifetimeMs": 30000})
	first := status(t, a)
	if first.IdleAt == nil || *first.IdleAt < first.Now || *first.IdleAt > first.Now+30000 {
		t.Fatalf("%+v", first)
	}
	if code, _, err := a.Do("POST", "/v1/activity", nil); err != nil || code != 204 {
		t.Fatal(code, err)
	}
	if second := status(t, a); second.LastActivityAt < first.LastActivityAt || *second.IdleAt < *first.IdleAt {
		t.Fatalf("%+v after %+v", second, first)
	}
	// Looking around is none.
	before := status(t, a).LastActivityAt
	_, _, _ = a.Do("GET", "/v1/hello", nil)
	_, _, _ = a.Do("GET", "/v1/execs", nil)
	_, _, _ = a.Do("GET", "/v1/processes", nil)
	if after := status(t, a).LastActivityAt; after != before {
		t.Fatal("looking around counted")
	}
}

type statusJSON struct {
	Now, LastActivityAt, StartedAt int64
	IdleAt                         *int64
	LifetimeMs                     *float64
	Running                        struct{ Execs, Processes int }
	Program                        *struct {
		Pid      int
		State    string
		ExitCode *int
	}
}

func status(t *testing.T, a *agenttest.Agent) (s statusJSON) {
	t.Helper()
	code, b, err := a.Do("GET", "/v1/status", nil)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil || code != 200 {
		t.Fatal(code, err)
	}
	return s
}

func TestMaxLifetimeEndsRunningWork(t *testing.T) {
	t.Parallel()
	a := agenttest.Start(t, map[string]any{"maxLifetimeMs": 3000})
	s := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"sleep", "1000"}})
	defer s.Cut()
	ended(t, a, 92, "max")
}

func TestShutdownAsksFirst(t *testing.T) {
	a := agenttest.Start(t, nil)
	file := filepath.Join(a.Dir, "asked")
	ready := filepath.Join(a.Dir, "ready")
	s := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"sh", "-c", "trap 'echo yes > " + file + "; exit' TERM; touch " + ready + "; while :; do sleep 0.05; done"}})
	defer s.Cut()
	agenttest.Until(t, "it is ready", func() bool { _, err := os.Stat(ready); return err == nil })
	if code, _, err := a.Do("POST", "/v1/shutdown", map[string]any{"reason": "asked", "graceMs": 10_000}); err != nil || code != 202 {
		t.Fatal(code, err)
	}
	ended(t, a, 91, "asked")
	if _, err := os.Stat(file); err != nil {
		t.Fatal("it was not asked")
	}
}

func TestProgram(t *testing.T) {
	a := agenttest.Start(t, map[string]any{"program": []string{"sh", "-c", "sleep 0.2; exit 7"}, "lifetimeMs": 10})
	ended(t, a, 7, "program")
	a = agenttest.Start(t, map[string]any{"program": []string{"sh", "-c", "sleep 0.2; kill -KILL $$"}})
	ended(t, a, 137, "program")
	a = agenttest.Start(t, map[string]any{"program": []string{"no-such-program"}})
	ended(t, a, 127, "program")
}

func TestProgramIsInStatus(t *testing.T) {
	a := agenttest.Start(t, map[string]any{"program": []string{"sleep", "1000"}})
	s := status(t, a)
	if s.Program == nil || s.Program.State != "running" || s.Program.Pid == 0 || s.IdleAt != nil {
		t.Fatalf("%+v", s)
	}
}

func TestSignalFromOutsideIsPassedOn(t *testing.T) {
	dir := t.TempDir()
	_ = os.Chmod(dir, 0o755)
	file, ready := filepath.Join(dir, "asked"), filepath.Join(dir, "ready")
	a := agenttest.Start(t, map[string]any{
		"program":           []string{"sh", "-c", "trap 'echo yes > " + file + "; exit 3' USR1; touch " + ready + "; while :; do sleep 0.05; done"},
		"programStopSignal": "SIGUSR1",
	})
	agenttest.Until(t, "it is ready", func() bool { _, err := os.Stat(ready); return err == nil })
	_ = a.Cmd.Process.Signal(syscall.SIGTERM)
	if got := a.Code(30 * time.Second); got != 143 && got != 3 {
		t.Fatal(got)
	}
	if _, err := os.Stat(file); err != nil {
		t.Fatal("the program was not asked")
	}
	b := agenttest.Start(t, nil)
	_ = b.Cmd.Process.Signal(syscall.SIGINT)
	ended(t, b, 130, "signal")
}

func TestWorkingDirIsMadeAndGiven(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: giving folders away")
	}
	base := t.TempDir()
	_ = os.Chmod(base, 0o755)
	_ = os.Chmod(filepath.Dir(base), 0o755)
	owner := func(dir string) uint32 {
		var st syscall.Stat_t
		if err := syscall.Stat(dir, &st); err != nil {
			t.Fatal(err)
		}
		return st.Uid
	}
	made := filepath.Join(base, "a", "b")
	emptyDir, full, theirs := filepath.Join(base, "empty"), filepath.Join(base, "full"), filepath.Join(base, "theirs")
	for _, d := range []string{emptyDir, full, theirs} {
		_ = os.Mkdir(d, 0o755)
	}
	_ = os.WriteFile(filepath.Join(full, "x"), nil, 0o644)
	_ = os.Chmod(theirs, 0o777)
	for dir, want := range map[string]uint32{made: 65534, emptyDir: 65534, full: 0, theirs: 0} {
		a := agenttest.Start(t, map[string]any{"user": "nobody", "workingDir": dir})
		a.Run("true")
		if got := owner(dir); got != want {
			t.Errorf("%s belongs to %d", dir, got)
		}
		a.Stop()
	}
}

func TestStaleSocketIsCleared(t *testing.T) {
	a := agenttest.Start(t, nil)
	a.Run("true")
	_ = a.Cmd.Process.Kill()
	a.Code(10 * time.Second)
	b := agenttest.Start(t, map[string]any{"stateDir": a.State})
	b.Run("true")
	// While one listens, another does not take its place.
	c := agenttest.Start(t, map[string]any{"stateDir": a.State})
	if got := c.Code(10 * time.Second); got != 93 {
		t.Errorf("exit code %d", got)
	}
	b.Run("true")
}

func TestLongStateDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	a := agenttest.Start(t, map[string]any{"stateDir": dir})
	if st, err := os.Stat(filepath.Join(dir, "run")); err != nil || st.Mode().Perm() != 0o700 {
		t.Fatal(err, st)
	}
	out, err := connectTo(t, dir, "GET /v1/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if err != nil || !strings.Contains(out, `"instance"`) {
		t.Fatal(err, out)
	}
	a.Stop()
}

func connectTo(t *testing.T, dir, request string) (string, error) {
	t.Helper()
	c := exec.Command("/proc/self/exe", "connect", dir)
	c.Env = append(os.Environ(), "PODKIT_TEST_AGENT=1")
	c.Stdin = strings.NewReader(request)
	out, err := c.Output()
	return string(out), err
}

func TestBadConfigurationIsSaid(t *testing.T) {
	for _, bad := range []map[string]any{
		{"lifetimeMs": -1}, {"workingDir": "relative"}, {"stateDir": "x"}, {"user": "no-such-user"},
		{"programStopSignal": "NOPE"}, {"listenFd": 1}, {"program": []string{""}},
	} {
		b, _ := json.Marshal(bad)
		c := exec.Command("/proc/self/exe", "init", string(b))
		c.Env = append(os.Environ(), "PODKIT_TEST_AGENT=1")
		out, err := c.CombinedOutput()
		if c.ProcessState.ExitCode() != 93 || len(out) == 0 {
			t.Errorf("%s: %v %s", b, err, out)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add(`{"lifetimeMs":60000,"maxLifetimeMs":null,"user":"nobody","workingDir":"/workspace","program":["a"],"programStopSignal":"TERM","stateDir":"/x","listenFd":3}`)
	f.Add(``)
	f.Fuzz(func(t *testing.T, s string) {
		c, err := initd.ParseConfig(s)
		if err == nil && (!strings.HasPrefix(c.WorkingDir, "/") || !strings.HasPrefix(c.StateDir, "/")) {
			t.Fatalf("%+v", c)
		}
	})
}
