package execs

import (
	"encoding/json"
	"strings"
	"time"

	"podkit.dev/agent/internal/apierr"
)

// Spec is the first frame of a command.
type Spec struct {
	Argv           []string          `json:"argv"`
	Cwd            string            `json:"cwd"`
	Env            map[string]string `json:"env"`
	User           string            `json:"user"`
	Stdin          bool              `json:"stdin"`
	Pty            *PtySize          `json:"pty"`
	TimeoutMs      *float64          `json:"timeoutMs"`
	MaxOutputBytes *float64          `json:"maxOutputBytes"`
	GraceMs        float64           `json:"graceMs"`
	Stdout         float64           `json:"stdout"`
	Stderr         float64           `json:"stderr"`
}

// PtySize is the size of a terminal in characters.
type PtySize struct {
	Cols uint16 `json:"cols"`
	Rows uint16 `json:"rows"`
}

const (
	maxPath    = 4096
	maxSafeInt = 1 << 53
	// maxCapture bounds what one command may have the agent keep per stream.
	maxCapture = 1 << 30
	maxMillis  = float64(100 * 365 * 24 * time.Hour / time.Millisecond)
)

// ParseSpec reads and checks a SPEC frame.
func ParseSpec(b []byte) (*Spec, error) {
	s := &Spec{}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, apierr.InvalidArgument("SPEC is not the JSON that is expected: %v", err)
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Spec) check() error {
	if err := CheckProgram(s.Argv, s.Cwd, s.Env, s.User); err != nil {
		return err
	}
	switch {
	case s.TimeoutMs != nil && !(*s.TimeoutMs >= 0 && *s.TimeoutMs <= maxMillis):
		return apierr.InvalidArgument("timeoutMs is %v; it must be a duration in milliseconds", *s.TimeoutMs)
	case !(s.GraceMs >= 0 && s.GraceMs <= maxMillis):
		return apierr.InvalidArgument("graceMs is %v; it must be a duration in milliseconds", s.GraceMs)
	case s.MaxOutputBytes != nil && !(*s.MaxOutputBytes >= 0 && *s.MaxOutputBytes <= maxCapture):
		return apierr.InvalidArgument("maxOutputBytes is %v; it must be between 0 and %d", *s.MaxOutputBytes, maxCapture)
	case !isOffset(s.Stdout) || !isOffset(s.Stderr):
		return apierr.InvalidArgument("stdout and stderr must be offsets in bytes")
	}
	return nil
}

func isOffset(v float64) bool { return v >= 0 && v < maxSafeInt && v == float64(uint64(v)) }

// CheckProgram checks what commands and background processes have in common.
func CheckProgram(argv []string, cwd string, env map[string]string, user string) error {
	if len(argv) == 0 || argv[0] == "" {
		return apierr.InvalidArgument("argv must name a program")
	}
	for _, a := range argv {
		if strings.IndexByte(a, 0) >= 0 {
			return apierr.InvalidArgument("argv has a NUL")
		}
	}
	if len(cwd) > maxPath || strings.IndexByte(cwd, 0) >= 0 {
		return apierr.InvalidArgument("cwd has a NUL or is longer than %d bytes", maxPath)
	}
	for name, value := range env {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			return apierr.InvalidArgument("env has the name %q; a name is not empty and has neither \"=\" nor NUL", name)
		}
		if strings.IndexByte(value, 0) >= 0 {
			return apierr.InvalidArgument("the value of env %q has a NUL", name)
		}
	}
	if len(user) > 256 || strings.IndexByte(user, 0) >= 0 {
		return apierr.InvalidArgument("user has a NUL or is longer than 256 bytes")
	}
	return nil
}

// CheckID checks the id of a command or a background process.
func CheckID(id string) error {
	ok := len(id) >= 8 && len(id) <= 64
	for i := 0; i < len(id) && ok; i++ {
		c := id[i]
		ok = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
	}
	if !ok {
		return apierr.InvalidArgument("the id must be 8 to 64 of A-Z, a-z, 0-9, \"_\" and \"-\"")
	}
	return nil
}

func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
