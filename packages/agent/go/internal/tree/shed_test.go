package tree_test

import (
	"testing"

	"podkit.dev/agent/internal/agenttest"
	"podkit.dev/agent/internal/frame"
)

func TestEndLeavesAYoungerCommandThatLoweredItsLimit(t *testing.T) {
	a := agenttest.Start(t, nil)
	older := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"sleep", "1000"}})
	word := duration()
	for _, script := range []string{"ulimit -x 4711; sleep " + word, "(ulimit -x 4712; sleep " + word + " &) ; sleep " + word} {
		s := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"bash", "-c", script}})
		defer func() { _ = s.Send(frame.Cancel, nil); _, _ = s.Run() }()
	}
	agenttest.Until(t, "the younger ones run", func() bool { return len(sleepers(word)) >= 3 })
	before := len(sleepers(word))
	_ = older.Send(frame.Cancel, nil)
	if r, err := older.Run(); err != nil || r.Exit.TreeAlive {
		t.Fatal(err, r.Exit)
	}
	if n := len(sleepers(word)); n != before {
		t.Fatalf("of %d are left %d", before, n)
	}
}

func TestGuessingTheNextMarkDoesNotHelp(t *testing.T) {
	a := agenttest.Start(t, nil)
	word := duration()
	script := `n=$(ulimit -Hx); ulimit -x $((n - 1024)); (setsid sleep ` + word + ` </dev/null >/dev/null 2>&1 &); sleep ` + word
	s := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"bash", "-c", script}})
	agenttest.Until(t, "it runs", func() bool { return len(sleepers(word)) >= 2 })
	a.Run("true")
	a.Run("true")
	_ = s.Send(frame.Cancel, nil)
	r, err := s.Run()
	if err != nil || !r.Exit.Cancelled || r.Exit.TreeAlive {
		t.Fatal(err, r.Exit)
	}
	if left := sleepers(word); len(left) != 0 {
		t.Fatalf("left: %v", left)
	}
}
