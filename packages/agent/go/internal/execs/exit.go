package execs

import (
	"encoding/json"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/frame"
)

type exitJSON struct {
	ExitCode    *int    `json:"exitCode"`
	Signal      *string `json:"signal"`
	TimedOut    bool    `json:"timedOut"`
	Cancelled   bool    `json:"cancelled"`
	OomKilled   bool    `json:"oomKilled"`
	DurationMs  float64 `json:"durationMs"`
	StdoutBytes uint64  `json:"stdoutBytes"`
	StderrBytes uint64  `json:"stderrBytes"`
	TreeAlive   bool    `json:"treeAlive"`
}

// exitFrame is the last frame of a command. e.mu is held.
func (e *Exec) exitFrame() []byte {
	x := exitJSON{
		TimedOut: e.timedOut, Cancelled: e.cancelled, OomKilled: e.oomKilled, TreeAlive: e.treeAlive,
		DurationMs: float64(e.duration.Microseconds()) / 1000,
	}
	if e.code != 0 {
		x.ExitCode = &e.code
	} else {
		x.ExitCode, x.Signal = Outcome(e.status)
	}
	x.StdoutBytes = e.out[0].sink.total()
	if e.out[1] != nil {
		x.StderrBytes = e.out[1].sink.total()
	}
	b, _ := json.Marshal(x)
	return frame.Append(nil, frame.Exit, b)
}

// Outcome gives the exit code or the signal's name; the other one is nil.
func Outcome(s syscall.WaitStatus) (code *int, signal *string) {
	if s.Signaled() {
		name := SignalName(s.Signal())
		return nil, &name
	}
	c := s.ExitStatus()
	return &c, nil
}

// SignalName gives a signal's name without SIG.
func SignalName(s syscall.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return strings.TrimPrefix(name, "SIG")
	}
	return strconv.Itoa(int(s))
}

// ParseSignal reads a signal's name, with or without SIG.
func ParseSignal(name string) (syscall.Signal, bool) {
	name = strings.ToUpper(name)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	s := unix.SignalNum(name)
	return s, s != 0
}
