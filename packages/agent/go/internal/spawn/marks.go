package spawn

import (
	"crypto/rand"
	"encoding/binary"
	"sync"

	"golang.org/x/sys/unix"
)

// RlimitLocks is the resource that carries the mark: it has had no effect since Linux 2.4, is inherited over fork, exec
// and a change of user, and can be lowered by anyone but raised only with CAP_SYS_RESOURCE.
const RlimitLocks = 10

const (
	markTop  = uint64(1) << 62
	markStep = uint64(1024)
	// markSpread is the range that the first mark is drawn from, so that two agents that see each other's processes do
	// not give out the same marks.
	markSpread = uint64(1) << 60
)

// Marks gives out the hard limits that tell the trees of commands apart. They only ever fall, since the spawner cannot
// raise its own limit again.
type Marks struct {
	mu    sync.Mutex
	first uint64
	next  uint64
}

// NewMarks begins below limit, the hard limit that the agent itself was started with.
func NewMarks(limit uint64) *Marks {
	var b [8]byte
	_, _ = rand.Read(b[:])
	top, spread := markTop, markSpread
	if limit <= top { // a finite limit: an agent inside a command of another agent
		top = limit - min(limit, 1)
		spread = top / 4
	}
	first := top - binary.LittleEndian.Uint64(b[:])%max(spread, 1)
	return &Marks{first: first, next: first}
}

// Next gives a mark that was never given before.
func (m *Marks) Next() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	mark := m.next
	m.next -= min(markStep, m.next)
	return mark
}

// Issued says whether value is exactly a mark that was given out.
func (m *Marks) Issued(value uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return value <= m.first && value > m.next && (m.first-value)%markStep == 0
}

// OwnLimit is the hard RLIMIT_LOCKS of this process.
func OwnLimit() (uint64, error) {
	var l unix.Rlimit
	err := unix.Prlimit(0, RlimitLocks, nil, &l)
	return l.Max, err
}
