package server

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"podkit.dev/agent/internal/active"
)

// Idle is the clock of rest.
type Idle struct {
	clock *active.Clock

	mu   sync.Mutex
	last time.Duration
	wall time.Time
	busy int
	// shut: the agent is ending, and nothing is begun any more.
	shut bool
}

// NewIdle makes an Idle whose last activity is the agent's start: exactly that, as clients take a later one for a sign that
// somebody used the container. The clock must be held by somebody, so that frozen time is not taken for rest.
func NewIdle(clock *active.Clock, startedAt time.Time) *Idle {
	return &Idle{clock: clock, last: clock.Now(), wall: startedAt}
}

// Touch restarts the clock of rest.
func (i *Idle) Touch() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.touch()
}

func (i *Idle) touch() { i.last, i.wall = i.clock.Now(), time.Now() }

// Admit restarts the clock of rest, unless the agent is ending: then nothing may be begun, and it says false.
func (i *Idle) Admit() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.shut {
		return false
	}
	i.touch()
	return true
}

// Enter begins something that is no rest as long as it lasts; leave is nil where the agent is ending.
func (i *Idle) Enter() (leave func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.shut {
		return nil
	}
	i.touch()
	i.busy++
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.touch()
		i.busy--
	}
}

// Shut lets nothing begin any more.
func (i *Idle) Shut() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.shut = true
}

// ShutAtRest lets nothing begin any more where there was rest for so long. In one step with the look at the clock: whatever was
// admitted before makes it say false, and whatever comes later is refused.
func (i *Idle) ShutAtRest(lifetime time.Duration) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.busy > 0 || i.clock.Now()-i.last < lifetime {
		return false
	}
	i.shut = true
	return true
}

// Rest gives for how long there has been rest, and when the last activity was.
func (i *Idle) Rest() (rest time.Duration, last time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.busy > 0 {
		return 0, time.Now()
	}
	return i.clock.Now() - i.last, i.wall
}

type kind int

const (
	action   kind = iota // no rest while it lasts
	follower             // activity when it comes; may last for ever without anybody doing anything
	passive              // looking around
)

// kindOf says what a request means for the clock of rest.
func kindOf(r *http.Request) kind {
	p := r.URL.Path
	switch {
	case p == "/v1/hello", p == "/v1/status", p == "/v1/ports":
		return passive
	case r.Method == http.MethodGet && (p == "/v1/execs" || p == "/v1/processes"):
		return passive
	case p == "/v1/files/watch", strings.HasPrefix(p, "/v1/processes/") && (strings.HasSuffix(p, "/logs") || strings.HasSuffix(p, "/wait")):
		return follower
	// A command counts for itself; its stream may outlast it.
	case strings.HasPrefix(p, "/v1/execs/"):
		return follower
	}
	return action
}
