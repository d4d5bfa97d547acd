package execs_test

import (
	"os"
	"strings"
	"testing"

	"podkit.dev/agent/internal/agenttest"
	"podkit.dev/agent/internal/frame"
)

// TestNothingLeaks runs commands of all kinds and looks at what the agent holds before and after.
func TestNothingLeaks(t *testing.T) {
	a := agenttest.Start(t, nil)
	round := func() {
		a.Run("true")
		a.Run("no-such-program")
		a.OpenAny(agenttest.ID(), spec{"argv": []string{"true"}, "cwd": "/no/such"})
		a.RunSpec(spec{"argv": []string{"echo", "x"}, "pty": map[string]int{"cols": 80, "rows": 24}, "stdin": true, "maxOutputBytes": nil})
		a.RunSpec(spec{"argv": []string{"true"}, "stdin": true})
		a.RunSpec(spec{"argv": []string{"sleep", "100"}, "timeoutMs": 1})
		a.RunSpec(spec{"argv": []string{"sh", "-c", "sleep 0.2 & exit 0"}})
		s := a.Open(agenttest.ID(), spec{"argv": []string{"cat"}, "stdin": true})
		_ = s.Send(frame.Cancel, nil)
		if _, err := s.Run(); err != nil {
			t.Fatal(err)
		}
		s = a.Open(agenttest.ID(), spec{"argv": []string{"sleep", "100"}, "graceMs": 1})
		s.Cut()
	}
	for range 3 {
		round()
	}
	settled := func() bool {
		_, b, _ := a.Do("GET", "/v1/execs", nil)
		return string(b) == `{"execs":[]}`+"\n"
	}
	agenttest.Until(t, "all is forgotten", settled)
	var fds, threads int
	// What ends a little later (a pipe that a child holds) is waited for.
	agenttest.Until(t, "the count rests", func() bool { n := count(t, a, "fd"); ok := n == fds; fds = n; return ok })
	threads = count(t, a, "task")
	for range 15 {
		round()
	}
	agenttest.Until(t, "all is forgotten", settled)
	agenttest.Until(t, "no descriptor is left over", func() bool { return count(t, a, "fd") <= fds+3 })
	if n := count(t, a, "task"); n > threads+4 {
		t.Errorf("%d threads became %d", threads, n)
	}
	if kib := residentKiB(t, a.Cmd.Process.Pid); kib > 150<<10 {
		t.Errorf("the agent has %d KiB", kib)
	}
}

func count(t *testing.T, a *agenttest.Agent, what string) int {
	t.Helper()
	entries, err := os.ReadDir(strings.Join([]string{"/proc", itoa(a.Cmd.Process.Pid), what}, "/"))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
