package background

import (
	"os"
	"sync"
	"syscall"
	"time"

	"podkit.dev/agent/internal/execs"
	"podkit.dev/agent/internal/spawn"
)

const (
	// afterLeader is how long output is waited for once the leader has ended and something else holds the pipes.
	afterLeader = 100 * time.Millisecond
	chunk       = 64 << 10
	// pace is the pause after each read of output that will be dropped anyway.
	pace = time.Millisecond
)

var chunks = sync.Pool{New: func() any { b := make([]byte, chunk); return &b }}

// process is one background process, running or not.
type process struct {
	dir string
	// started is closed when the start succeeded or failed; startErr says which.
	started  chan struct{}
	startErr error
	// done is closed when it has ended and its output until then is in the log.
	done chan struct{}

	mu    sync.Mutex
	info  Info
	proc  spawn.Process
	logs  [2]*logFile
	pipes int // pumps that run
	ended bool
	fin   bool
	// frozen is set when the agent is ending.
	frozen bool
}

// snapshot gives what is known now.
func (p *process) snapshot() Info {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current()
}

func (p *process) current() Info {
	i := p.info
	if l := p.logs[0]; l != nil {
		n, dropped := l.counts()
		i.StdoutBytes, i.StdoutDropped = n, max(dropped, i.StdoutDropped)
	}
	if l := p.logs[1]; l != nil {
		n, dropped := l.counts()
		i.StderrBytes, i.StderrDropped = n, max(dropped, i.StderrDropped)
	}
	return i
}

// pump moves one stream into its log until the pipe's end, which may come long after the leader's.
func (p *process) pump(f *os.File, l *logFile) {
	defer p.pumped()
	defer f.Close()
	rc, err := f.SyscallConn()
	if err != nil {
		return
	}
	for {
		n := 0
		var readErr error
		err := rc.Read(func(fd uintptr) bool {
			b := chunks.Get().(*[]byte)
			defer chunks.Put(b)
			for {
				if n, readErr = syscall.Read(int(fd), *b); readErr != syscall.EINTR {
					break
				}
			}
			if n > 0 {
				l.write((*b)[:n])
			}
			return readErr != syscall.EAGAIN
		})
		if err != nil || readErr != nil || n <= 0 {
			return
		}
		if l.full() {
			time.Sleep(pace)
		}
	}
}

func (p *process) pumped() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pipes--
	p.settle(false)
}

// leaderEnded is called with the end of the process.
func (p *process) leaderEnded(status syscall.WaitStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now().UnixMilli()
	p.ended = true
	p.info.ExitedAt = &now
	p.info.ExitCode, p.info.Signal = execs.Outcome(status)
	p.info.State = stateFailed
	if p.info.ExitCode != nil && *p.info.ExitCode == 0 {
		p.info.State = stateExited
	}
	p.settle(false)
	if !p.fin {
		time.AfterFunc(afterLeader, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.settle(true)
		})
	}
}

// settle marks the end once the output is in, or its grace is over. p.mu is held.
func (p *process) settle(graceOver bool) {
	if p.fin || !p.ended || p.pipes > 0 && !graceOver {
		return
	}
	p.fin = true
	i := p.current()
	if !p.frozen {
		_ = save(p.dir, &i) // a full disk: then an agent that comes later calls it lost
	}
	close(p.done)
}

func (p *process) running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.info.State == stateRunning
}
