package execs_test

import (
	"testing"

	"podkit.dev/agent/internal/agenttest"
)

func TestMain(m *testing.M) { agenttest.Main(m) }

func TestOutputAndExitCode(t *testing.T) {
	a := agenttest.Start(t, nil)
	r := a.Sh("echo out; echo err >&2; exit 3")
	if string(r.Out) != "out\n" || string(r.Err) != "err\n" || r.Exit.ExitCode == nil || *r.Exit.ExitCode != 3 || r.Exit.Signal != nil {
		t.Fatalf("%q %q %+v", r.Out, r.Err, r.Exit)
	}
	if r.Exit.StdoutBytes != 4 || r.Exit.StderrBytes != 4 || r.Started.Pid == 0 {
		t.Fatalf("%+v %+v", r.Exit, r.Started)
	}
}
