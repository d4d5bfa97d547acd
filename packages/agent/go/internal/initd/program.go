package initd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"podkit.dev/agent/internal/execs"
	"podkit.dev/agent/internal/launch"
	"podkit.dev/agent/internal/reap"
	"podkit.dev/agent/internal/spawn"
)

// program is the image's or the user's own program.
type program struct {
	mu     sync.Mutex
	proc   spawn.Process
	set    bool
	ended  bool
	status syscall.WaitStatus
}

// startProgram starts the program; its end is the container's end.
func (a *Agent) startProgram() {
	p := &a.program
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set = true
	proc, err := a.launch.Start(context.Background(), &launch.Params{Argv: a.cfg.Program}, [3]int{0, 1, 2},
		func(s syscall.WaitStatus) { go a.programEnded(s) })
	if err == nil {
		p.proc = proc
		return
	}
	fmt.Fprintln(os.Stderr, "podkit-agent: "+err.Error())
	code := codeNoStart
	var pe *launch.ProgramError
	if errors.As(err, &pe) {
		code = pe.Code
	}
	p.ended, p.status = true, syscall.WaitStatus(code<<8)
	go a.stop(end{why: "program", code: code}, 0)
}

func (a *Agent) programEnded(s syscall.WaitStatus) {
	p := &a.program
	p.mu.Lock()
	p.ended, p.status = true, s
	p.mu.Unlock()
	code := s.ExitStatus()
	if s.Signaled() {
		code = 128 + int(s.Signal())
	}
	a.stop(end{why: "program", code: code}, 0)
}

func (p *program) signal(r *reap.Reaper, sig syscall.Signal) {
	if pid := p.pid(); pid != 0 {
		_ = r.Signal(pid, false, sig)
	}
}

func (p *program) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.proc.Pid
}

func (p *program) owns(mark uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.proc.Pid != 0 && p.proc.Mark == mark
}

func (p *program) statusJSON() any {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.set {
		return nil
	}
	s := map[string]any{"pid": p.proc.Pid, "state": "running", "exitCode": nil, "signal": nil}
	if p.ended {
		s["state"] = "exited"
		s["exitCode"], s["signal"] = execs.Outcome(p.status)
	}
	return s
}
