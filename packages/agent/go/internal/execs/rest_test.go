package execs_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"podkit.dev/agent/internal/agenttest"
)

// wakes counts how often all threads of a process were woken.
func wakes(t *testing.T, pid int) (n int) {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/status", pid, task.Name()))
		_, count, _ := strings.Cut(string(b), "\nvoluntary_ctxt_switches:")
		if fields := strings.Fields(count); len(fields) > 0 {
			k, _ := strconv.Atoi(fields[0])
			n += k
		}
	}
	return n
}

func TestRestsAfterABriefCommand(t *testing.T) {
	a := agenttest.Start(t, nil)
	s := brief(t, a, agenttest.ID(), spec{"argv": []string{"true"}, "maxOutputBytes": 10, "graceMs": 60_000}, "")
	if _, err := s.Collect(&agenttest.Result{}); err != nil {
		t.Fatal(err)
	}
	// The reaper looks around for a while after a command, ever more seldom.
	const often = 20
	var woken int
	for end := time.Now().Add(15 * time.Second); ; {
		before := wakes(t, a.Cmd.Process.Pid)
		time.Sleep(time.Second)
		if woken = wakes(t, a.Cmd.Process.Pid) - before; woken <= often {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("woken %d times in a second", woken)
		}
	}
}
