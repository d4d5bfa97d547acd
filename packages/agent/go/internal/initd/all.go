package initd

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/execs"
)

// askAll asks everything to end: the program by its own signal, all else by TERM.
func (a *Agent) askAll() {
	stop, _ := execs.ParseSignal(a.cfg.ProgramStopSignal)
	a.program.signal(a.reaper, stop)
	for _, pid := range a.trees.All() {
		if pid != a.program.pid() {
			_ = unix.Kill(pid, syscall.SIGTERM)
		}
	}
}

// anything says whether something is left that was started here.
func (a *Agent) anything() bool { return len(a.trees.All()) > 0 }

// killAll ends the rest. As PID 1 the kernel does that by itself, and also for what was not started here.
func (a *Agent) killAll() {
	if os.Getpid() == 1 {
		return
	}
	a.trees.EndAll()
}
