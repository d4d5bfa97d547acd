package execs

// window is how much output the agent keeps that the client did not acknowledge.
const window = 1 << 20

// stream keeps what was not acknowledged, in a ring that grows as needed.
type stream struct {
	ring  []byte
	begin uint64 // the oldest byte that is kept
	end   uint64
}

func newStream() *stream { return &stream{} }

func (s *stream) room() int { return window - int(s.end-s.begin) }

func (s *stream) total() uint64 { return s.end }

func (s *stream) overflows() bool { return false }

// write must not be given more than room says.
func (s *stream) write(p []byte) {
	s.grow(int(s.end-s.begin) + len(p))
	for len(p) > 0 {
		k := copy(s.ring[s.end%uint64(len(s.ring)):], p)
		s.end += uint64(k)
		p = p[k:]
	}
}

func (s *stream) grow(need int) {
	if need <= len(s.ring) {
		return
	}
	size := max(len(s.ring), 4<<10)
	for size < need {
		size *= 2
	}
	ring := make([]byte, size)
	for at := s.begin; at < s.end; {
		from := s.ring[at%uint64(len(s.ring)):]
		from = from[:min(uint64(len(from)), s.end-at)]
		at += uint64(copy(ring[at%uint64(size):], from))
	}
	s.ring = ring
}

func (s *stream) next(offset uint64, buf []byte, _ bool) (uint64, int) {
	n := 0
	for offset+uint64(n) < s.end && n < len(buf) {
		at := offset + uint64(n)
		from := s.ring[at%uint64(len(s.ring)):]
		from = from[:min(uint64(len(from)), s.end-at)]
		n += copy(buf[n:], from)
	}
	return offset, n
}

// ack forgets what is below offset, and says whether that made room.
func (s *stream) ack(offset uint64) bool {
	if offset <= s.begin || offset > s.end {
		return false
	}
	s.begin = offset
	return true
}

func (s *stream) holds(offset uint64) bool { return offset >= s.begin && offset <= s.end }
