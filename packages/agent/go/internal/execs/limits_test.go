package execs_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"podkit.dev/agent/internal/agenttest"
)

// pidsGroup makes a cgroup with a limit of processes, moves the agent and its spawner into it, and gives its folder.
func pidsGroup(t *testing.T, a *agenttest.Agent) string {
	t.Helper()
	for _, parent := range []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup"} {
		dir := filepath.Join(parent, "podkit-test-"+agenttest.ID())
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		t.Cleanup(func() {
			a.Stop()
			agenttest.Until(t, "the group is empty", func() bool { return os.Remove(dir) == nil })
		})
		if _, err := os.Stat(filepath.Join(dir, "pids.max")); err != nil {
			continue
		}
		pids := []int{a.Cmd.Process.Pid}
		// The list of children is kept for each thread.
		lists, _ := filepath.Glob("/proc/" + itoa(pids[0]) + "/task/*/children")
		for _, list := range lists {
			children, _ := os.ReadFile(list)
			for _, f := range strings.Fields(string(children)) {
				pid, _ := strconv.Atoi(f)
				pids = append(pids, pid)
			}
		}
		for _, pid := range pids {
			if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(itoa(pid)), 0); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	t.Skip("needs a cgroup with a limit of processes that can be made here")
	return ""
}

func TestFullPidsLimitIsOutlasted(t *testing.T) {
	t.Parallel()
	a := agenttest.Start(t, nil)
	a.Run("true")
	dir := pidsGroup(t, a)
	limit := filepath.Join(dir, "pids.max")
	if err := os.WriteFile(limit, []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	var wg sync.WaitGroup
	for range 20 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := a.Run("echo", "ran")
			if string(r.Out) != "ran\n" {
				t.Errorf("%q %q %+v", r.Out, r.Err, r.Exit)
			}
		}()
	}
	// Everything else goes on meanwhile: no thread is missing for it.
	for time.Since(start) < 10*time.Second {
		for _, path := range []string{"/v1/status", "/v1/execs", "/v1/files/list?path=/etc&depth=2", "/v1/ports"} {
			if status, b, err := a.Do("GET", path, nil); err != nil || status != 200 {
				t.Fatalf("%s: %d %s %v", path, status, b, err)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := os.WriteFile(limit, []byte("max"), 0); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}

func TestLastingPidsLimitIsSaid(t *testing.T) {
	t.Parallel()
	a := agenttest.Start(t, nil)
	a.Run("true")
	dir := pidsGroup(t, a)
	if err := os.WriteFile(filepath.Join(dir, "pids.max"), []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	// A deadline of the command's own ends the wait sooner.
	s := a.OpenAny(agenttest.ID(), spec{"argv": []string{"true"}, "timeoutMs": 300})
	if s.Status != 507 || !strings.Contains(string(s.Body), "resource_exhausted") {
		t.Fatalf("%d %s", s.Status, s.Body)
	}
}

func TestDeadlineDoesNotCountFrozenTime(t *testing.T) {
	t.Parallel()
	a := agenttest.Start(t, nil)
	ready := filepath.Join(a.Dir, "ready")
	s := a.Open(agenttest.ID(), spec{"argv": []string{"sh", "-c", "touch " + ready + "; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done; echo whole"}, "timeoutMs": 4500})
	agenttest.Until(t, "it runs", func() bool { _, err := os.Stat(ready); return err == nil })
	// What docker pause does, as far as a test can.
	f, err := s.Next()
	if err != nil {
		t.Fatal(err)
	}
	var started agenttest.Started
	_ = json.Unmarshal(f.Payload, &started)
	_ = a.Cmd.Process.Signal(syscall.SIGSTOP)
	_ = syscall.Kill(-started.Pid, syscall.SIGSTOP)
	time.Sleep(6 * time.Second)
	_ = a.Cmd.Process.Signal(syscall.SIGCONT)
	_ = syscall.Kill(-started.Pid, syscall.SIGCONT)
	r, err := s.Run()
	if err != nil {
		t.Fatal(err)
	}
	code(t, r, 0)
	if r.Exit.TimedOut {
		t.Fatalf("%+v", r.Exit)
	}
}
