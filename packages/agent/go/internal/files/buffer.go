package files

import (
	"errors"
	"io"
	"sync"

	"podkit.dev/agent/internal/apierr"
)

// pieceSize is how much is moved at once: large enough that changing threads does not show, small enough for many
// transfers at once.
const pieceSize = 256 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, pieceSize); return &b }}

func getBuffer() *[]byte  { return buffers.Get().(*[]byte) }
func putBuffer(b *[]byte) { buffers.Put(b) }

// fill reads until buf is full or the body ends well, which end says. Not io.ReadFull: it gives the same error for an end
// and for a body that was cut.
func fill(body io.Reader, buf []byte) (n int, end bool, err error) {
	for n < len(buf) {
		m, err := body.Read(buf[n:])
		n += m
		if errors.Is(err, io.EOF) {
			return n, true, nil
		}
		if err != nil {
			return n, false, apierr.InvalidArgument("the body was cut after it began: %w", err)
		}
	}
	return n, false, nil
}
