package initd

import (
	"encoding/json"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// Exit codes of the agent.
const (
	codeIdle    = 90
	codeAsked   = 91
	codeMax     = 92
	codeNoStart = 93
)

const defaultGrace = 2 * time.Second

// end is why and with which code the agent ends.
type end struct {
	why  string
	code int
}

// answerTime lets the answer to a shutdown reach the client before the end breaks its connection.
const answerTime = 50 * time.Millisecond

// Shutdown ends the agent because a client asked for it.
func (a *Agent) Shutdown(grace time.Duration) {
	time.AfterFunc(answerTime, func() { a.stop(end{why: "asked", code: codeAsked}, grace) })
}

// stop asks everything to end, waits for it, kills the rest, and ends the agent. Only the first call counts.
func (a *Agent) stop(e end, grace time.Duration) {
	a.ending.Do(func() {
		a.idle.Shut()
		a.table.Freeze()
		a.askAll()
		deadline := time.Now().Add(grace)
		for a.anything() && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
		}
		a.killAll()
		a.ended <- e
	})
}

// watchRest stops the agent after its lifetime without activity.
func (a *Agent) watchRest() {
	if !a.stopsAtRest() {
		return
	}
	lifetime := optional(a.cfg.LifetimeMs)
	for {
		if a.working() {
			a.idle.Touch()
		}
		rest, _ := a.idle.Rest()
		if rest >= lifetime && a.idle.ShutAtRest(lifetime) {
			a.stop(end{why: "idle", code: codeIdle}, 0)
			return
		}
		time.Sleep(min(max(lifetime-rest, time.Millisecond), time.Second))
	}
}

// watchSignals handles what comes from outside: it is passed on, and after a grace the agent ends as if by that signal.
func (a *Agent) watchSignals() {
	c := make(chan os.Signal, 8)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP)
	for s := range c {
		sig, _ := s.(syscall.Signal)
		go a.stop(end{why: "signal", code: 128 + int(sig)}, a.signalGrace())
	}
}

// signalGrace stays below the 10 s after which engines kill.
func (a *Agent) signalGrace() time.Duration { return 8 * time.Second }

type endJSON struct {
	End  string `json:"end"`
	Code int    `json:"code"`
	At   int64  `json:"at"`
}

// writeEnd leaves word for whoever finds the container stopped.
func (a *Agent) writeEnd(e end) {
	b, _ := json.Marshal(endJSON{End: e.why, Code: e.code, At: time.Now().UnixMilli()})
	name := filepath.Join(a.cfg.StateDir, "state.json")
	if os.WriteFile(name+".part", append(b, '\n'), 0o600) == nil {
		_ = os.Rename(name+".part", name)
	}
	if a.cfg.ListenFd == nil {
		_ = a.listener.Close()
		_ = os.Remove(SocketPath(a.cfg.StateDir))
	}
}
