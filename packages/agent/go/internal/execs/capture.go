package execs

// capture keeps the head and the tail of a stream, each up to half of the cap; what lies between is dropped and counted.
type capture struct {
	headCap, tailCap int
	head             []byte
	tail             []byte // a ring once it has tailCap bytes
	at               int    // where the ring's oldest byte is
	n                uint64
}

func newCapture(limit int) *capture {
	return &capture{headCap: limit - limit/2, tailCap: limit / 2}
}

func (c *capture) room() int { return roomMax }

func (c *capture) total() uint64 { return c.n }

func (c *capture) overflows() bool { return c.n > uint64(c.headCap+c.tailCap) }

func (c *capture) write(p []byte) {
	c.n += uint64(len(p))
	if free := c.headCap - len(c.head); free > 0 {
		k := min(free, len(p))
		c.head = append(c.head, p[:k]...)
		p = p[k:]
	}
	if len(p) >= c.tailCap {
		c.tail = append(c.tail[:0], p[len(p)-c.tailCap:]...)
		c.at = 0
		return
	}
	if free := c.tailCap - len(c.tail); free > 0 {
		k := min(free, len(p))
		c.tail = append(c.tail, p[:k]...)
		p = p[k:]
	}
	for len(p) > 0 {
		k := copy(c.tail[c.at:], p)
		c.at = (c.at + k) % c.tailCap
		p = p[k:]
	}
}

// next copies what is to be sent at or after offset into buf. The tail is certain only once the stream has ended.
func (c *capture) next(offset uint64, buf []byte, ended bool) (uint64, int) {
	if offset < uint64(len(c.head)) {
		return offset, copy(buf, c.head[offset:])
	}
	if !ended || offset >= c.n {
		return offset, 0
	}
	begin := c.n - uint64(len(c.tail))
	offset = max(offset, begin)
	i := int(offset - begin)
	at := (c.at + i) % max(len(c.tail), 1)
	if i < len(c.tail)-c.at { // the part before the ring's seam
		return offset, copy(buf, c.tail[at:])
	}
	return offset, copy(buf, c.tail[at:c.at])
}

func (c *capture) ack(uint64) bool { return false }

func (c *capture) holds(offset uint64) bool { return offset <= c.n }
