package spawn

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"golang.org/x/sys/unix"
)

// RlimitLocks is the resource that carries the mark: it has had no effect since Linux 2.4, is inherited over fork, exec
// and a change of user, and can be lowered by anyone but raised only with CAP_SYS_RESOURCE.
const RlimitLocks = 10

const (
	markTop = uint64(1) << 62
	// markSpread is the range that the first mark is drawn from, so that two agents that see each other's processes do
	// not give out the same marks.
	markSpread = uint64(1) << 60
	// markStep is the range that each mark is drawn from. Nobody can guess the next one: a process that gave itself that one would
	// pass for another command's.
	markStep = uint64(1) << 30
)

// Marks gives out the hard limits that tell the trees of commands apart. They only ever fall, since the spawner cannot
// raise its own limit again.
type Marks struct {
	first, step uint64
	key         [16]byte

	mu   sync.Mutex
	next uint64 // how many were given out
}

// NewMarks begins below limit, the hard limit that the agent itself was started with.
func NewMarks(limit uint64) *Marks {
	m := &Marks{}
	var b [8]byte
	_, _ = rand.Read(b[:])
	_, _ = rand.Read(m.key[:])
	top, spread := markTop, markSpread
	if limit <= top { // a finite limit: an agent inside a command of another agent
		top = limit - min(limit, 1)
		spread = top / 4
	}
	m.first = top - binary.LittleEndian.Uint64(b[:])%max(spread, 1)
	m.step = max(min(markStep, m.first>>24), 1)
	return m
}

// at is the mark of this number: anywhere in its own range, which is below those of the numbers before.
func (m *Marks) at(n uint64) uint64 {
	var b [24]byte
	copy(b[:], m.key[:])
	binary.LittleEndian.PutUint64(b[16:], n)
	sum := sha256.Sum256(b[:])
	down := n*m.step + binary.LittleEndian.Uint64(sum[:])%m.step
	return m.first - min(down, m.first)
}

// Next gives a mark that was never given before.
func (m *Marks) Next() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	mark := m.at(m.next)
	m.next++
	return mark
}

// Issued says whether value is exactly a mark that was given out.
func (m *Marks) Issued(value uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if value > m.first {
		return false
	}
	n := (m.first - value) / m.step
	return n < m.next && m.at(n) == value
}

// OwnLimit is the hard RLIMIT_LOCKS of this process.
func OwnLimit() (uint64, error) {
	var l unix.Rlimit
	err := unix.Prlimit(0, RlimitLocks, nil, &l)
	return l.Max, err
}
