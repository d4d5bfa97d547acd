package ports

import (
	"encoding/json"
	"io"
	"strconv"

	"podkit.dev/agent/internal/apierr"
)

// HelperName is the agent's subcommand that HelperMain serves.
const HelperName = "ports-helper"

const (
	// maxHelperPids bounds the arguments of one helper.
	maxHelperPids = 1024
	// maxHelperInodes bounds the sockets that it names.
	maxHelperInodes = 200_000
)

// helperAnswer is what the helper prints: the sockets of each process that it was asked about.
type helperAnswer map[string][]uint64

// HelperMain is `podkit-agent ports-helper PID…`: it prints the sockets of these processes, as seen with the ids it was
// started under, and returns the exit code.
func HelperMain(args []string, out io.Writer) int { return helperMain("/proc", args, out) }

func helperMain(proc string, args []string, out io.Writer) int {
	if len(args) == 0 || len(args) > maxHelperPids {
		return 2
	}
	answer := helperAnswer{}
	left := maxHelperInodes
	for _, arg := range args {
		pid, err := strconv.Atoi(arg)
		if err != nil || pid <= 0 {
			return 2
		}
		inodes, _ := socketsOf(proc, pid, nil)
		if len(inodes) > left {
			inodes = inodes[:left]
		}
		left -= len(inodes)
		answer[strconv.Itoa(pid)] = inodes
	}
	if json.NewEncoder(out).Encode(answer) != nil {
		return 1
	}
	return 0
}

// readHelper takes a helper's answer in. The helper ran as a user of the sandbox, who may have tampered with it: only
// processes that were asked about count, and search takes only sockets that are wanted.
func readHelper(b []byte, asked []int) (map[int][]uint64, error) {
	var answer helperAnswer
	if err := json.Unmarshal(b, &answer); err != nil {
		return nil, apierr.Internal("the ports helper's answer cannot be read: %v", err)
	}
	got := map[int][]uint64{}
	for _, pid := range asked {
		if inodes := answer[strconv.Itoa(pid)]; len(inodes) > 0 {
			got[pid] = inodes
		}
	}
	return got, nil
}

func helperArgv(exe string, pids []int) []string {
	argv := []string{exe, HelperName}
	for _, pid := range pids[:min(len(pids), maxHelperPids)] {
		argv = append(argv, strconv.Itoa(pid))
	}
	return argv
}
