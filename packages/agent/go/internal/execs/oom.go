package execs

import (
	"bytes"
	"os"
	"strconv"
)

// oomCounter reads how many processes of the container the kernel has killed for want of memory.
type oomCounter struct{ f *os.File }

func openOomCounter() *oomCounter {
	for _, name := range []string{
		"/sys/fs/cgroup/memory.events",
		"/sys/fs/cgroup/memory/memory.oom_control",
	} {
		if f, err := os.Open(name); err == nil {
			return &oomCounter{f: f}
		}
	}
	return &oomCounter{}
}

// read gives the counter, 0 where it is not to be had.
func (c *oomCounter) read() uint64 {
	if c.f == nil {
		return 0
	}
	var b [1024]byte
	n, _ := c.f.ReadAt(b[:], 0)
	return parseOomKill(b[:n])
}

// parseOomKill finds the line "oom_kill N".
func parseOomKill(b []byte) uint64 {
	for line := range bytes.Lines(b) {
		if v, ok := bytes.CutPrefix(line, []byte("oom_kill ")); ok {
			n, _ := strconv.ParseUint(string(bytes.TrimSpace(v)), 10, 64)
			return n
		}
	}
	return 0
}
