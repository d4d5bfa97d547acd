package spawn_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"podkit.dev/agent/internal/agenttest"
	"podkit.dev/agent/internal/frame"
	"podkit.dev/agent/internal/reap"
	"podkit.dev/agent/internal/spawn"
)

func TestMain(m *testing.M) { agenttest.Main(m) }

// client makes a spawner of this test binary's own. The test's process is its parent, so nothing in this package may
// wait for children in another way.
var shared = sync.OnceValue(func() *spawn.Client {
	_ = os.Setenv("PODKIT_TEST_AGENT", "1")
	r := reap.New()
	go r.Run()
	return &spawn.Client{Marks: spawn.NewMarks(1 << 63), Reaper: r}
})

func start(t *testing.T, req *spawn.Request) (spawn.Process, chan syscall.WaitStatus, error) {
	t.Helper()
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if req.Cwd == "" {
		req.Cwd = "/"
	}
	req.Path = spawn.PathOf(req.Env)
	fd := int(null.Fd())
	end := make(chan syscall.WaitStatus, 1)
	p, err := shared().Start(context.Background(), req, [3]int{fd, fd, fd}, func(s syscall.WaitStatus) { end <- s })
	return p, end, err
}

func await(t *testing.T, end chan syscall.WaitStatus) syscall.WaitStatus {
	t.Helper()
	select {
	case s := <-end:
		return s
	case <-time.After(20 * time.Second):
		t.Fatal("the end never came")
		return 0
	}
}

func limitOf(t *testing.T, pid int) string {
	t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/limits")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		if v, ok := bytes.CutPrefix(line, []byte("Max file locks")); ok {
			return strings.Join(strings.Fields(string(v))[:2], " ")
		}
	}
	return ""
}

func TestProcessIsOurChildAndCarriesItsMark(t *testing.T) {
	own := limitOf(t, os.Getpid())
	var last uint64 = 1 << 63
	for range 3 {
		p, end, err := start(t, &spawn.Request{Argv: []string{"sleep", "1000"}})
		if err != nil {
			t.Fatal(err)
		}
		m := strconv.FormatUint(p.Mark, 10)
		if got := limitOf(t, p.Pid); got != m+" "+m {
			t.Errorf("limit %s, mark %s", got, m)
		}
		if p.Mark >= last || !shared().Marks.Issued(p.Mark) || shared().Marks.Issued(p.Mark-1) || shared().Marks.Issued(p.Mark-1024) {
			t.Errorf("mark %d after %d", p.Mark, last)
		}
		last = p.Mark
		b, _ := os.ReadFile("/proc/" + strconv.Itoa(p.Pid) + "/stat")
		if f := strings.Fields(string(b)); f[3] != strconv.Itoa(os.Getpid()) || f[4] != f[0] || f[5] != f[0] {
			t.Errorf("parent, group, session: %v", f[3:6])
		}
		_ = shared().Reaper.Signal(p.Pid, true, syscall.SIGKILL)
		if s := await(t, end); s.Signal() != syscall.SIGKILL {
			t.Errorf("%v", s)
		}
		if err := shared().Reaper.Signal(p.Pid, false, 0); err != syscall.ESRCH {
			t.Errorf("a process that was reaped can be signalled: %v", err)
		}
	}
	if got := limitOf(t, os.Getpid()); got != own {
		t.Errorf("the agent's own limit became %s", got)
	}
}

func TestShortProcessesLoseNoEnd(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := range 40 {
				code := (i*40 + j) % 200
				_, end, err := start(t, &spawn.Request{Argv: []string{"sh", "-c", "exit " + strconv.Itoa(code)}})
				if err != nil {
					t.Error(err)
					return
				}
				if s := await(t, end); s.ExitStatus() != code {
					t.Errorf("%d instead of %d", s.ExitStatus(), code)
				}
			}
		}()
	}
	wg.Wait()
}

func TestFailuresSayTheirStage(t *testing.T) {
	for name, c := range map[string]struct {
		req   spawn.Request
		stage spawn.Stage
		errno syscall.Errno
	}{
		"cwd":     {spawn.Request{Argv: []string{"true"}, Cwd: "/no/such"}, spawn.StageCwd, syscall.ENOENT},
		"cwd2":    {spawn.Request{Argv: []string{"true"}, Cwd: "/etc/passwd"}, spawn.StageCwd, syscall.ENOTDIR},
		"missing": {spawn.Request{Argv: []string{"no-such-program"}}, spawn.StageNotFound, syscall.ENOENT},
		"folder":  {spawn.Request{Argv: []string{"/etc"}}, spawn.StageNoExec, syscall.EISDIR},
		"mode":    {spawn.Request{Argv: []string{"/etc/passwd"}}, spawn.StageNoExec, syscall.EACCES},
		"long":    {spawn.Request{Argv: []string{"true", strings.Repeat("x", 200_000)}}, spawn.StageExec, syscall.E2BIG},
	} {
		_, _, err := start(t, &c.req)
		var e *spawn.Error
		if !errors.As(err, &e) || e.Stage != c.stage || e.Errno != c.errno {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLongRequests(t *testing.T) {
	var env []string
	for i := range 10_000 {
		env = append(env, "V"+strconv.Itoa(i)+"="+strings.Repeat("y", 80))
	}
	_, end, err := start(t, &spawn.Request{Argv: []string{"/bin/sh", "-c", "exit ${#V9999}"}, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	if s := await(t, end); s.ExitStatus() != 80 {
		t.Fatal(s.ExitStatus())
	}
}

func TestNextCommandRunsWhenTheSpawnerWasKilled(t *testing.T) {
	a := agenttest.Start(t, nil)
	for range 3 {
		a.Run("true")
		old := spawnerOf(t, a)
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if r := a.Run("true"); r.Exit.ExitCode == nil || *r.Exit.ExitCode != 0 {
				t.Fatalf("%+v", r.Exit)
			}
		}
		if now := spawnerOf(t, a); now == old {
			t.Fatal("the spawner was not killed")
		}
	}
	// Trees of before and after are ended alike.
	s := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"sleep", "1000"}})
	_ = syscall.Kill(spawnerOf(t, a), syscall.SIGKILL)
	_ = s.Send(frame.Cancel, nil)
	if r, err := s.Run(); err != nil || !r.Exit.Cancelled || r.Exit.TreeAlive {
		t.Fatal(err, r.Exit)
	}
}

func TestKilledInTheMiddleOfManyStarts(t *testing.T) {
	a := agenttest.Start(t, nil)
	a.Run("true")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				select {
				case <-stop:
					return
				default:
				}
				s := a.OpenAny(agenttest.ID(), agenttest.Spec{"argv": []string{"sh", "-c", "exit 3"}})
				if s.Status == 500 && strings.Contains(string(s.Body), "spawner died") {
					continue // it may have run, and is not run twice
				}
				r, err := s.Run()
				// What was swept away with the lost start is never another command.
				if err != nil || r.Exit.ExitCode == nil || *r.Exit.ExitCode != 3 {
					t.Errorf("%v %+v", err, r.Exit)
					return
				}
			}
		}()
	}
	for range 20 {
		for _, pid := range spawners(t, a) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(10 * time.Millisecond) // so that starts are met at different moments
	}
	close(stop)
	wg.Wait()
}

func spawners(t *testing.T, a *agenttest.Agent) (pids []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		b, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		st, _ := os.ReadFile("/proc/" + e.Name() + "/stat")
		f := strings.Fields(string(st))
		// A command that was forked and has not begun its program yet looks the same, but for its one thread.
		threads, _ := os.ReadDir("/proc/" + e.Name() + "/task")
		if bytes.HasSuffix(b, []byte("\x00spawner\x00")) && len(f) > 3 && f[3] == strconv.Itoa(a.Cmd.Process.Pid) && len(threads) > 1 {
			pids = append(pids, pid)
		}
	}
	return pids
}

func spawnerOf(t *testing.T, a *agenttest.Agent) (pid int) {
	t.Helper()
	agenttest.Until(t, "there is one spawner", func() bool {
		pids := spawners(t, a)
		if len(pids) == 1 {
			pid = pids[0]
		}
		return len(pids) == 1
	})
	return pid
}
