package tree

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/spawn"
)

// reader reads /proc with few system calls and without garbage: a sweep reads every process, and may have to be
// faster than what it chases.
type reader struct {
	dents []byte
	file  []byte
	path  []byte
}

func newReader() *reader {
	return &reader{dents: make([]byte, 64<<10), file: make([]byte, 4<<10), path: make([]byte, 0, 64)}
}

// pids appends the numbers of all processes, in rising order.
func (r *reader) pids(to []int) ([]int, error) {
	fd, err := open("/proc", unix.O_DIRECTORY)
	if err != nil {
		return to, err
	}
	defer syscall.Close(fd)
	for {
		n, err := unix.Getdents(fd, r.dents)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return to, err
		}
		to = parseDents(r.dents[:n], to)
	}
}

// parseDents takes the names that are numbers out of what getdents64 gave.
func parseDents(b []byte, to []int) []int {
	const nameAt = 19 // u64 inode, u64 offset, u16 length, u8 type
	for len(b) > nameAt {
		length := int(binary.NativeEndian.Uint16(b[16:]))
		if length <= nameAt || length > len(b) {
			return to
		}
		if pid, ok := number(b[nameAt:length]); ok {
			to = append(to, pid)
		}
		b = b[length:]
	}
	return to
}

// number reads a decimal number that ends at a NUL or at the end.
func number(b []byte) (int, bool) {
	n := 0
	for i, c := range b {
		if c == 0 {
			return n, i > 0
		}
		if c < '0' || c > '9' || n > 1<<30 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(b) > 0
}

// mark gives the hard RLIMIT_LOCKS of a process. The call is the fast way, and is allowed for processes of the same
// user; the file can be read of any.
func (r *reader) mark(pid int) (uint64, error) {
	var l unix.Rlimit
	err := unix.Prlimit(pid, spawn.RlimitLocks, nil, &l)
	if err == nil {
		return l.Max, nil
	}
	if err == unix.ESRCH {
		return 0, err
	}
	b, err := r.read(pid, "/limits")
	if err != nil {
		return 0, err
	}
	v, ok := parseLimits(b)
	if !ok {
		return 0, unix.ESRCH
	}
	return v, nil
}

// parseLimits finds the hard limit in the line "Max file locks".
func parseLimits(b []byte) (uint64, bool) {
	_, rest, ok := bytes.Cut(b, []byte("Max file locks"))
	if !ok {
		return 0, false
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 2 {
		return 0, false
	}
	if string(fields[1]) == "unlimited" {
		return unix.RLIM_INFINITY, true
	}
	v, err := strconv.ParseUint(string(fields[1]), 10, 64)
	return v, err == nil
}

// parent gives the parent of a process.
func (r *reader) parent(pid int) (int, error) {
	b, err := r.read(pid, "/stat")
	if err != nil {
		return 0, err
	}
	p, ok := parseParent(b)
	if !ok {
		return 0, unix.ESRCH
	}
	return p, nil
}

// parseParent reads the fourth field of stat. The second one is the program's name in brackets, and may itself have brackets and
// spaces; so what counts begins after the last bracket.
func parseParent(b []byte) (int, bool) {
	at := bytes.LastIndexByte(b, ')')
	if at < 0 {
		return 0, false
	}
	fields := bytes.Fields(b[at+1:])
	if len(fields) < 2 {
		return 0, false
	}
	return number(fields[1])
}

// newest gives the number of the process that was started last.
func (r *reader) newest() (int, bool) {
	fd, err := open("/proc/loadavg", 0)
	if err != nil {
		return 0, false
	}
	defer syscall.Close(fd)
	n, err := syscall.Read(fd, r.file)
	if err != nil || n <= 0 {
		return 0, false
	}
	return parseNewest(r.file[:n])
}

func parseNewest(b []byte) (int, bool) {
	fields := bytes.Fields(b)
	if len(fields) < 5 {
		return 0, false
	}
	return number(fields[len(fields)-1])
}

func (r *reader) read(pid int, name string) ([]byte, error) {
	r.path = append(r.path[:0], "/proc/"...)
	r.path = strconv.AppendInt(r.path, int64(pid), 10)
	r.path = append(r.path, name...)
	fd, err := open(string(r.path), 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	n, err := syscall.Read(fd, r.file)
	if err != nil {
		return nil, err
	}
	return r.file[:n], nil
}

func open(path string, flags int) (int, error) {
	for {
		fd, err := syscall.Open(path, flags|unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}
