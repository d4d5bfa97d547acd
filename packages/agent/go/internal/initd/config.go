// Package initd is the agent as PID 1 (or as a child subreaper): its configuration, its life and its end.
package initd

import (
	"encoding/json"
	"path"
	"strings"
	"time"

	"podkit.dev/agent/internal/apierr"
	"podkit.dev/agent/internal/execs"
)

// DefaultStateDir is where the agent's state is in a container.
const DefaultStateDir = "/.podkit/state"

// Config is the JSON argument of `init`.
type Config struct {
	LifetimeMs        *float64 `json:"lifetimeMs"`
	MaxLifetimeMs     *float64 `json:"maxLifetimeMs"`
	User              string   `json:"user"`
	WorkingDir        string   `json:"workingDir"`
	Program           []string `json:"program"`
	ProgramStopSignal string   `json:"programStopSignal"`
	StateDir          string   `json:"stateDir"`
	ListenFd          *int     `json:"listenFd"`
}

const maxMillis = float64(100 * 365 * 24 * time.Hour / time.Millisecond)

// ParseConfig reads and checks the argument of `init`.
func ParseConfig(s string) (*Config, error) {
	c := &Config{}
	if s != "" {
		if err := json.Unmarshal([]byte(s), c); err != nil {
			return nil, apierr.InvalidArgument("the argument of init is not the JSON that is expected: %v", err)
		}
	}
	if c.WorkingDir == "" {
		c.WorkingDir = "/"
	}
	if c.StateDir == "" {
		c.StateDir = DefaultStateDir
	}
	if c.ProgramStopSignal == "" {
		c.ProgramStopSignal = "TERM"
	}
	return c, c.check()
}

func (c *Config) check() error {
	for name, v := range map[string]*float64{"lifetimeMs": c.LifetimeMs, "maxLifetimeMs": c.MaxLifetimeMs} {
		if v != nil && !(*v > 0 && *v <= maxMillis) {
			return apierr.InvalidArgument("%s is %v; it must be a duration in milliseconds, or null", name, *v)
		}
	}
	for name, p := range map[string]string{"workingDir": c.WorkingDir, "stateDir": c.StateDir} {
		if !path.IsAbs(p) || strings.IndexByte(p, 0) >= 0 || len(p) > 4096 {
			return apierr.InvalidArgument("%s must be an absolute path", name)
		}
	}
	if _, ok := execs.ParseSignal(c.ProgramStopSignal); !ok {
		return apierr.InvalidArgument("programStopSignal is %q, which is no signal", c.ProgramStopSignal)
	}
	if c.ListenFd != nil && (*c.ListenFd < 3 || *c.ListenFd > 1<<16) {
		return apierr.InvalidArgument("listenFd must be a descriptor above 2")
	}
	if c.Program != nil {
		if err := execs.CheckProgram(c.Program, "", nil, c.User); err != nil {
			return apierr.InvalidArgument("program: %v", err)
		}
	}
	return nil
}

func optional(ms *float64) time.Duration {
	if ms == nil {
		return 0
	}
	return time.Duration(*ms * float64(time.Millisecond))
}
