package tree

import (
	"golang.org/x/sys/unix"
)

// scan looks at all processes for those of one tree.
type scan struct {
	*reader
	mark  uint64
	self  int
	skip  map[int]bool // the agent and the spawner
	issue func(uint64) bool
	// leader gives the mark that a running program was started with.
	leader func(int) (uint64, bool)

	list    []int
	members []int
	in      map[int]bool
	foreign map[int]bool // seen to be another command's; a process cannot come to us from there
	sids    map[int]bool
	unsure  []int
}

// pass looks once. It gives the members, and whether their absence would be proven.
//
// The proof: the kernel lists processes by rising number and gives new ones a higher number, so of a chain of
// processes that fork and die one link is always met, unless the numbers began again. A link that was met but was gone
// before its mark was read is counted as "not proven".
func (s *scan) pass() (members []int, proven bool) {
	before, ok := s.newest()
	vanished := false
	s.members, s.unsure = s.members[:0], s.unsure[:0]
	clear(s.in)
	list, err := s.pids(s.list[:0])
	s.list = list
	if err != nil {
		return nil, false
	}
	for _, pid := range s.list {
		if s.skip[pid] || s.foreign[pid] {
			continue
		}
		mark, err := s.reader.mark(pid)
		switch {
		case err != nil:
			vanished = true
		case mark == s.mark:
			s.add(pid)
		default:
			s.unsure = append(s.unsure, pid)
		}
	}
	for s.grow(&vanished) {
	}
	for _, pid := range s.unsure {
		s.foreign[pid] = true
	}
	after, ok2 := s.newest()
	wrapped := !ok || !ok2 || after < before
	if wrapped { // numbers may be given anew
		clear(s.foreign)
	}
	return s.members, !wrapped && (after == before || !vanished)
}

func (s *scan) led(pid int) (mark uint64, ok bool) {
	if s.leader == nil {
		return 0, false
	}
	return s.leader(pid)
}

func (s *scan) add(pid int) {
	s.in[pid] = true
	s.members = append(s.members, pid)
	if sid, err := unix.Getsid(pid); err == nil && sid > 0 {
		s.sids[sid] = true
	}
}

// grow adds children of members, whatever their mark says, processes of a member's session, and those that shed their
// mark and came to the agent as orphans. It says whether it added any.
func (s *scan) grow(vanished *bool) bool {
	grew := false
	rest := s.unsure[:0]
	for _, pid := range s.unsure {
		yes, err := s.belongs(pid)
		switch {
		case err != nil:
			*vanished = true
		case yes:
			s.add(pid)
			grew = true
		default:
			rest = append(rest, pid)
		}
	}
	s.unsure = rest
	return grew
}

func (s *scan) belongs(pid int) (bool, error) {
	if sid, err := unix.Getsid(pid); err == nil {
		if s.sids[sid] {
			return true, nil
		}
		// Nobody can join a session, so this tells whose it is, whatever the mark says.
		if mark, ok := s.led(sid); ok {
			return mark == s.mark, nil
		}
	}
	parent, err := s.parent(pid)
	if err != nil {
		return false, err
	}
	if s.in[parent] {
		return true, nil
	}
	if parent != s.self {
		return false, nil
	}
	// An orphan, or a leader. A mark that was never given out is one that a process gave itself, to shed its own; it can
	// only have come down from a higher one.
	mark, err := s.reader.mark(pid)
	if err != nil {
		return false, err
	}
	return mark < s.mark && !s.issue(mark), nil
}
