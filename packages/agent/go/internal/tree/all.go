package tree

import (
	"time"

	"golang.org/x/sys/unix"
)

// All gives every process that was started by this agent, whatever its mark is now: those with a mark that was given out,
// and all that descends from the agent.
func (t *Trees) All() []int {
	s := t.scan(0)
	defer t.pool.Put(s)
	return append([]int(nil), s.all()...)
}

func (s *scan) all() []int {
	s.members = s.members[:0]
	clear(s.in)
	s.in[s.self] = true
	list, err := s.pids(s.list[:0])
	s.list = list
	if err != nil {
		return nil
	}
	for grew := true; grew; {
		grew = false
		for _, pid := range s.list {
			if s.skip[pid] || s.in[pid] {
				continue
			}
			parent, err := s.parent(pid)
			mark, err2 := s.reader.mark(pid)
			if err == nil && s.in[parent] || err2 == nil && s.issue(mark) {
				s.add(pid)
				grew = true
			}
		}
	}
	return s.members
}

// EndAll kills every process that was started by this agent. It gives up after 5 s.
func (t *Trees) EndAll() {
	s := t.scan(0)
	defer t.pool.Put(s)
	start := time.Now()
	for n := 0; time.Since(start) < giveUp; n++ {
		members := s.all()
		if len(members) == 0 {
			return
		}
		for _, pid := range members {
			_ = unix.Kill(pid, unix.SIGSTOP)
		}
		for _, pid := range members {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		t.pause(n, len(members))
	}
}

// Mark gives the hard RLIMIT_LOCKS of any process.
func Mark(pid int) (uint64, error) { return newReader().mark(pid) }
