package tree_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"podkit.dev/agent/internal/agenttest"
	"podkit.dev/agent/internal/frame"
)

func TestMain(m *testing.M) { agenttest.Main(m) }

// descendant is one way to get away from the command that started it.
type descendant struct {
	name string
	// script starts something that sleeps for $T seconds and does not end by itself.
	script string
	root   bool
}

var descendants = []descendant{
	{name: "child", script: "sleep $T & wait"},
	{name: "setsid", script: "setsid sleep $T & wait"},
	{name: "double fork", script: "(setsid sh -c 'sleep $T & sleep $T' &) ; sleep $T"},
	{name: "orphan", script: "(setsid sleep $T </dev/null >/dev/null 2>&1 &) ; exec sleep $T"},
	{name: "env -i", script: "(env -i /usr/bin/setsid /bin/sleep $T &) ; sleep $T"},
	{name: "nohup and ignored signals", script: "trap '' TERM INT HUP; (nohup setsid sleep $T >/dev/null 2>&1 &) ; sleep $T"},
	{name: "other uid", script: "(setsid setpriv --reuid 65534 --regid 65534 --clear-groups sleep $T &) ; sleep $T", root: true},
	{name: "su", script: "(setsid su -s /bin/sh nobody -c 'sleep $T; :' &) ; sleep $T", root: true},
	{name: "lowered limit", script: "(bash -c 'ulimit -x 4711; setsid sleep $T' &) ; sleep $T"},
	{name: "stopped", script: "(setsid sh -c 'kill -STOP $$' &) ; sleep $T"},
}

// sleepers gives the processes whose command line has this word.
func sleepers(word string) (pids []int) {
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range names {
		b, _ := os.ReadFile(name)
		if strings.Contains(string(b), word) {
			pid, _ := strconv.Atoi(strings.Split(name, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

var unique = 70_000_000 + os.Getpid()*10

func duration() string {
	unique++
	return strconv.Itoa(unique)
}

func TestCancelEndsEveryDescendant(t *testing.T) {
	a := agenttest.Start(t, nil)
	for _, d := range descendants {
		t.Run(d.name, func(t *testing.T) {
			if d.root && os.Getuid() != 0 {
				t.Skip("needs root: " + d.name)
			}
			beside := duration()
			other := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"sh", "-c", "(setsid sleep " + beside + " &); sleep " + beside}})
			defer other.Cut()
			agenttest.Until(t, "the command beside runs", func() bool { return len(sleepers(beside)) >= 2 })

			word := duration()
			s := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"sh", "-c", strings.ReplaceAll(d.script, "$T", word)}})
			agenttest.Until(t, "the tree stands", func() bool { return len(sleepers(word)) >= 2 })
			if err := s.Send(frame.Cancel, nil); err != nil {
				t.Fatal(err)
			}
			r, err := s.Run()
			if err != nil {
				t.Fatal(err)
			}
			if !r.Exit.Cancelled || r.Exit.TreeAlive || r.Exit.Signal == nil || *r.Exit.Signal != "KILL" {
				t.Errorf("%+v", r.Exit)
			}
			if left := sleepers(word); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
			if n := len(sleepers(beside)); n < 2 {
				t.Errorf("of the command beside %d are left", n)
			}
			_ = other.Send(frame.Cancel, nil)
			if _, err := other.Run(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestDeadlineEndsAForkBomb(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: a limit of processes that holds for one other user")
	}
	a := agenttest.Start(t, nil)
	word := duration()
	// As a user of its own, so that the limit counts the bomb's processes only.
	script := "ulimit -u 200; exec setpriv --reuid 54321 --regid 54321 --clear-groups bash -c 'bomb() { : " + word + "; bomb | bomb & }; bomb; sleep 60' bomb"
	beside := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"sh", "-c", "sleep 3000 & wait"}})
	defer beside.Cut()
	r := a.RunSpec(agenttest.Spec{"argv": []string{"bash", "-c", script}, "timeoutMs": 700})
	if !r.Exit.TimedOut || r.Exit.TreeAlive {
		t.Fatalf("%+v %s", r.Exit, r.Err)
	}
	if left := sleepers(word); len(left) != 0 {
		t.Fatalf("left: %d", len(left))
	}
	if !strings.Contains(string(mustList(t, a)), `"running"`) {
		t.Fatal("the command beside is gone")
	}
}

func mustList(t *testing.T, a *agenttest.Agent) []byte {
	t.Helper()
	status, b, err := a.Do("GET", "/v1/execs", nil)
	if err != nil || status != 200 {
		t.Fatal(status, err)
	}
	return b
}

func TestCancelEndsAChainThatForksAndDies(t *testing.T) {
	a := agenttest.Start(t, nil)
	word := duration()
	chain := filepath.Join(a.Dir, "chain-"+word)
	if err := os.WriteFile(chain, []byte("#!/bin/sh\nsetsid \"$0\" </dev/null >/dev/null 2>&1 &\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"sh", "-c", chain + "; sleep 60"}})
	agenttest.Until(t, "the chain runs", func() bool { return len(sleepers(word)) >= 2 })
	_ = s.Send(frame.Cancel, nil)
	r, err := s.Run()
	if err != nil || r.Exit.TreeAlive {
		t.Fatal(err, r.Exit)
	}
	for range 20 {
		if left := sleepers(word); len(left) != 0 {
			t.Fatalf("left: %v", left)
		}
	}
}

func TestNormalEndLeavesWhatRuns(t *testing.T) {
	a := agenttest.Start(t, nil)
	word := duration()
	r := a.Sh("setsid sleep " + word + " >/dev/null 2>&1 & exit 0")
	if r.Exit.ExitCode == nil || *r.Exit.ExitCode != 0 {
		t.Fatalf("%+v", r.Exit)
	}
	if left := sleepers(word); len(left) != 1 {
		t.Fatalf("left: %v", left)
	}
	// And the agent's own end takes it away.
	a.Stop()
	agenttest.Until(t, "nothing is left", func() bool { return len(sleepers(word)) == 0 })
}

func TestZombiesAreReaped(t *testing.T) {
	a := agenttest.Start(t, nil)
	word := "zombie" + duration()
	a.Sh("for i in 1 2 3 4 5; do (setsid sh -c 'exit 0 # " + word + "' &); done; exit 0")
	agenttest.Until(t, "no child of the agent is a zombie", func() bool {
		out, _ := exec.Command("ps", "-o", "stat=", "--ppid", strconv.Itoa(a.Cmd.Process.Pid)).Output()
		return !strings.Contains(string(out), "Z")
	})
}

func TestSignalReachesGroupOrTree(t *testing.T) {
	a := agenttest.Start(t, nil)
	word := duration()
	s := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"sh", "-c", "setsid sleep " + word + " & trap 'exit 7' USR1; sleep " + word + "; wait"}, "maxOutputBytes": nil})
	agenttest.Until(t, "both sleep", func() bool { return len(sleepers(word)) >= 3 })
	_ = s.Send(frame.Signal, []byte(`{"signal":"TERM","tree":true}`))
	r, err := s.Run()
	if err != nil {
		t.Fatal(err)
	}
	if r.Exit.Signal == nil || *r.Exit.Signal != "TERM" {
		t.Fatalf("%+v", r.Exit)
	}
	agenttest.Until(t, "all are gone", func() bool { return len(sleepers(word)) == 0 })
}

func TestEndingWhileOthersStartAndEnd(t *testing.T) {
	a := agenttest.Start(t, nil)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				if r := a.Run("true"); r.Exit.ExitCode == nil || *r.Exit.ExitCode != 0 {
					t.Errorf("%+v", r.Exit)
				}
			}
		}
	}()
	for range 10 {
		word := duration()
		s := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"sh", "-c", "(setsid sleep " + word + " &); sleep " + word}})
		agenttest.Until(t, "it runs", func() bool { return len(sleepers(word)) >= 2 })
		_ = s.Send(frame.Cancel, nil)
		r, err := s.Run()
		if err != nil || r.Exit.TreeAlive || len(sleepers(word)) != 0 {
			t.Fatal(err, r.Exit, sleepers(word))
		}
	}
	close(stop)
	<-done
}
