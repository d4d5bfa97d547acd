package spawn

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// quietSlack is how late the kernel may wake the agent's threads, in ns. The Go runtime has one that looks around every
	// 20 µs while anything runs: on a machine with few processors that takes from the very command that is waited for.
	quietSlack = 1_000_000
	// usualSlack is what programs have by default.
	usualSlack = 50_000
)

// Quiet makes this process one whose threads may all be woken late. Threads take that over from the one that made them, and over exec:
// so it executes itself once, at the very start. Where that does not work it goes on as it is.
func Quiet() {
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || slack >= quietSlack || unix.Prctl(unix.PR_SET_TIMERSLACK, quietSlack, 0, 0, 0) != nil {
		return
	}
	_ = syscall.Exec(selfExe, os.Args, os.Environ())
}

// usualTimers gives the calling thread, and what it starts, the usual slack.
func usualTimers() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, usualSlack, 0, 0, 0) }
