package execs_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"podkit.dev/agent/internal/agenttest"
)

func TestCommandsHaveTheUsualTimers(t *testing.T) {
	a := agenttest.Start(t, nil)
	own, err := os.ReadFile(fmt.Sprintf("/proc/%d/timerslack_ns", a.Cmd.Process.Pid))
	if err != nil {
		t.Skipf("this kernel does not tell: %v", err)
	}
	if got := strings.TrimSpace(string(own)); got != "1000000" {
		t.Errorf("the agent's own: %s", got)
	}
	s := brief(t, a, agenttest.ID(), spec{"argv": []string{"cat", "/proc/self/timerslack_ns"}, "maxOutputBytes": 100}, "")
	got, err := s.Collect(&agenttest.Result{})
	if err != nil || string(got.Out) != "50000\n" {
		t.Errorf("a command's: %q %v", got.Out, err)
	}
}

func TestNoThreadWakesForSIGCHLD(t *testing.T) {
	a := agenttest.Start(t, nil)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.Cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, caught, _ := strings.Cut(string(status), "SigCgt:")
	mask, err := strconv.ParseUint(strings.Fields(caught)[0], 16, 64)
	if err != nil || mask&(1<<16) != 0 {
		t.Fatalf("SIGCHLD is caught: %x %v", mask, err)
	}
}
