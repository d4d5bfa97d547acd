package ports

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxFds bounds the descriptors of one process that are looked at.
const maxFds = 65536

// socketsOf gives the inodes of the sockets that a process holds, of those that are wanted (nil: of all).
func socketsOf(proc string, pid int, wanted map[uint64]bool) ([]uint64, error) {
	dir, err := os.Open(proc + "/" + strconv.Itoa(pid) + "/fd")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var found []uint64
	buf := make([]byte, 64)
	for seen := 0; seen < maxFds; {
		names, _ := dir.Readdirnames(512)
		if len(names) == 0 {
			return found, nil
		}
		seen += len(names)
		for _, name := range names {
			n, err := unix.Readlinkat(int(dir.Fd()), name, buf)
			if isDenied(err) {
				// The folder may be read where its links may not: the one asks for ids, the other for ptrace's rights.
				return found, err
			}
			if err != nil {
				continue // closed since
			}
			if inode, ok := socketInode(string(buf[:n])); ok && (wanted == nil || wanted[inode]) {
				found = append(found, inode)
			}
		}
	}
	return found, nil
}

// socketInode reads `socket:[4711]`.
func socketInode(link string) (uint64, bool) {
	s, ok := strings.CutPrefix(link, "socket:[")
	if !ok {
		return 0, false
	}
	s, ok = strings.CutSuffix(s, "]")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

func isDenied(err error) bool { return errors.Is(err, fs.ErrPermission) }

// pids gives the processes there are, in order.
func pids(proc string) ([]int, error) {
	dir, err := os.Open(proc)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var all []int
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil && n > 0 {
			all = append(all, n)
		}
	}
	sort.Ints(all)
	return all, nil
}

// search is a look for the processes that hold certain sockets.
type search struct {
	proc   string
	wanted map[uint64]bool
	// holder is the lowest pid of each socket: servers that fork their workers pass it down.
	holder map[uint64]int
}

func newSearch(proc string, sockets []socket) *search {
	s := &search{proc: proc, wanted: map[uint64]bool{}, holder: map[uint64]int{}}
	for _, sock := range sockets {
		s.wanted[sock.inode] = true
	}
	return s
}

func (s *search) done() bool { return len(s.holder) == len(s.wanted) }

func (s *search) found(pid int, inodes []uint64) {
	for _, inode := range inodes {
		if was, ok := s.holder[inode]; s.wanted[inode] && (!ok || pid < was) {
			s.holder[inode] = pid
		}
	}
}

// look goes through processes with the rights of the calling thread until every socket has its holder, and gives those
// that it was refused.
func (s *search) look(ctx context.Context, among []int) (refused []int) {
	for _, pid := range among {
		if s.done() || ctx.Err() != nil {
			return refused
		}
		inodes, err := socketsOf(s.proc, pid, s.wanted)
		s.found(pid, inodes)
		if isDenied(err) {
			refused = append(refused, pid)
		}
	}
	return refused
}
