// Package background holds the processes that belong to no connection: they and their output are on disk.
package background

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"podkit.dev/agent/internal/execs"
)

// The states of a process.
const (
	stateRunning = "running"
	stateExited  = "exited" // code 0
	stateFailed  = "failed" // another code, or a signal
	stateLost    = "lost"   // it ran when the container was stopped
)

// Info is the protocol's ProcessInfo, and what is on disk.
type Info struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Argv        []string `json:"argv"`
	Cwd         string   `json:"cwd"`
	User        string   `json:"user"`
	Pid         int      `json:"pid"`
	State       string   `json:"state"`
	ExitCode    *int     `json:"exitCode"`
	Signal      *string  `json:"signal"`
	StartedAt   int64    `json:"startedAt"`
	ExitedAt    *int64   `json:"exitedAt"`
	StdoutBytes int64    `json:"stdoutBytes"`
	StderrBytes int64    `json:"stderrBytes"`
	// What came after the log's cap.
	StdoutDropped int64 `json:"stdoutDropped"`
	StderrDropped int64 `json:"stderrDropped"`
}

const infoName = "info.json"

// maxInfo bounds an info.json: the request that it was made of had at most 1 MiB, and JSON may quote each byte of it.
const maxInfo = 16 << 20

// save writes the info whole or not at all.
func save(dir string, info *Info) error {
	b, err := json.Marshal(info)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, infoName)
	if err := os.WriteFile(name+".part", b, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".part", name)
}

// load reads an info that an earlier agent left. What ran then is lost.
func load(dir string) (*Info, error) {
	st, err := os.Lstat(filepath.Join(dir, infoName))
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxInfo {
		return nil, errors.New("info.json is not what the agent wrote")
	}
	b, err := os.ReadFile(filepath.Join(dir, infoName))
	if err != nil {
		return nil, err
	}
	return parseInfo(b, filepath.Base(dir))
}

func parseInfo(b []byte, id string) (*Info, error) {
	info := &Info{}
	if err := json.Unmarshal(b, info); err != nil {
		return nil, err
	}
	if info.ID != id || execs.CheckID(id) != nil {
		return nil, errors.New("info.json is of another process")
	}
	switch info.State {
	case stateExited, stateFailed, stateLost:
	default:
		info.State = stateLost
		info.ExitCode, info.Signal, info.ExitedAt = nil, nil, nil
	}
	if info.Argv == nil {
		info.Argv = []string{}
	}
	return info, nil
}
