// Package tree finds and ends everything that descends from one command.
//
// Its members are found by the mark (a hard RLIMIT_LOCKS of its own for each command), and by parent and session, which a
// process that lowered its own limit cannot leave both at once without being adopted by the agent.
package tree

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// giveUp is how long ending a tree may take.
	giveUp = 5 * time.Second
	// stopFor is how long a sweep tries to stop all members before it begins to kill: a bomb that is killed while
	// parts of it run grows again.
	stopFor = 500 * time.Millisecond
	// maxSweeps is how many trees are ended at the same time: hundreds at once would only hold each other up until all
	// of them have taken too long.
	maxSweeps = 4
)

// Trees finds and ends the trees of commands.
type Trees struct {
	// Spawner gives the spawner's pid.
	Spawner func() int
	// Issued says whether a mark was given out by this agent.
	Issued func(uint64) bool
	// Leader gives the mark that a program which runs was started with. It and its session are its command's, whatever marks
	// they gave themselves. May be nil.
	Leader func(pid int) (mark uint64, ok bool)
	// Look has the orphans that were killed reaped; may be nil.
	Look func()

	pool   sync.Pool
	once   sync.Once
	sweeps chan struct{}
}

// turn waits until a sweep may begin.
func (t *Trees) turn() (done func()) {
	t.once.Do(func() { t.sweeps = make(chan struct{}, maxSweeps) })
	t.sweeps <- struct{}{}
	return func() { <-t.sweeps }
}

func (t *Trees) scan(mark uint64) *scan {
	s, _ := t.pool.Get().(*scan)
	if s == nil {
		s = &scan{reader: newReader(), in: map[int]bool{}, foreign: map[int]bool{}, sids: map[int]bool{}, skip: map[int]bool{}}
	}
	clear(s.in)
	clear(s.foreign)
	clear(s.sids)
	clear(s.skip)
	s.mark, s.self, s.issue, s.leader = mark, os.Getpid(), t.Issued, t.Leader
	s.skip[s.self] = true
	if p := t.Spawner(); p > 0 {
		s.skip[p] = true
	}
	return s
}

// Members gives the processes that descend from the command with this mark.
func (t *Trees) Members(mark uint64) []int {
	s := t.scan(mark)
	defer t.pool.Put(s)
	members, _ := s.pass()
	return append([]int(nil), members...)
}

// Signal sends sig to every member and gives how many there were.
func (t *Trees) Signal(mark uint64, sig syscall.Signal) int {
	s := t.scan(mark)
	defer t.pool.Put(s)
	members, _ := s.pass()
	for _, pid := range members {
		_ = unix.Kill(pid, sig)
	}
	return len(members)
}

// End kills every member until a pass proves that none is left. It gives how many it met, and whether it gave up with
// some of them alive.
func (t *Trees) End(mark uint64) (met int, alive bool) {
	defer t.turn()()
	s := t.scan(mark)
	defer t.pool.Put(s)
	start := time.Now()
	stopped := map[int]bool{}
	for n := 0; ; n++ {
		members, proven := s.pass()
		if len(members) == 0 && proven {
			return met, false
		}
		fresh := 0
		for _, pid := range members {
			if !stopped[pid] {
				stopped[pid] = true
				fresh++
				_ = unix.Kill(pid, unix.SIGSTOP)
			}
		}
		met += fresh
		gone := time.Since(start)
		if fresh > 0 && gone < stopFor {
			continue // until a pass meets nothing that is not stopped
		}
		for _, pid := range members {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		if gone > giveUp {
			return met, true
		}
		t.pause(n, len(members))
	}
}

// pause lets the killed ones die and be reaped.
func (t *Trees) pause(n, members int) {
	if members == 0 {
		return
	}
	if t.Look != nil {
		t.Look()
	}
	time.Sleep(min(time.Duration(n+1)*100*time.Microsecond, 5*time.Millisecond))
}
