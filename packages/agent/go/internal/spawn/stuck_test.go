package spawn_test

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"podkit.dev/agent/internal/agenttest"
)

func TestAStoppedSpawnerHoldsNothingUp(t *testing.T) {
	a := agenttest.Start(t, nil)
	a.Run("true")
	env := map[string]string{}
	for i := range 8 {
		env["V"+strconv.Itoa(i)] = strings.Repeat("x", 100_000)
	}
	for _, spec := range []agenttest.Spec{{"argv": []string{"true"}}, {"argv": []string{"true"}, "env": env}} {
		_ = syscall.Kill(spawnerOf(t, a), syscall.SIGSTOP)
		at := time.Now()
		r := a.RunSpec(spec)
		if r.Exit.ExitCode == nil || *r.Exit.ExitCode != 0 || time.Since(at) > 5*time.Second {
			t.Fatalf("%+v after %v", r.Exit, time.Since(at))
		}
	}
}
