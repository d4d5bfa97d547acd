// Package frame is the codec of the frames that carry a command: u8 type | u32 length | payload.
package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Type says what a frame carries.
type Type byte

// Client to agent.
const (
	Spec     Type = 0x01
	Stdin    Type = 0x02
	StdinEOF Type = 0x03
	Ack      Type = 0x04
	Signal   Type = 0x05
	Resize   Type = 0x06
	Cancel   Type = 0x07
	Release  Type = 0x08
)

// Agent to client.
const (
	Started  Type = 0x81
	Stdout   Type = 0x82
	Stderr   Type = 0x83
	StdinAck Type = 0x85
	Exit     Type = 0x86
)

const (
	// HeaderLen is the length of a frame's header.
	HeaderLen = 5
	// MaxPayload is the protocol's bound for one frame.
	MaxPayload = 1 << 20
	// MaxData is the most bytes of output that one frame carries.
	MaxData = 256 << 10
	// OffsetLen is the length of the offset before the bytes of STDIN, STDOUT and STDERR.
	OffsetLen = 8
)

// ErrTooLong is a frame whose announced length is over the bound. Nothing after it can be read.
var ErrTooLong = errors.New("the frame is longer than 1 MiB")

// Reader reads frames. The payload that Next gives is valid until the next call.
type Reader struct {
	r    io.Reader
	head [HeaderLen]byte
	buf  []byte
}

// NewReader reads frames from r.
func NewReader(r io.Reader) *Reader { return &Reader{r: r} }

// Next reads one frame. The end of the stream between two frames is io.EOF, inside a frame io.ErrUnexpectedEOF.
func (r *Reader) Next() (Type, []byte, error) {
	if _, err := io.ReadFull(r.r, r.head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(r.head[1:])
	if n > MaxPayload {
		return 0, nil, ErrTooLong
	}
	if err := r.fill(int(n)); err != nil {
		return 0, nil, err
	}
	return Type(r.head[0]), r.buf[:n], nil
}

// step bounds how much memory is taken on the word of a header before the bytes have come.
const step = 64 << 10

func (r *Reader) fill(n int) error {
	for have := 0; have < n; {
		want := min(n, have+step)
		if cap(r.buf) < want {
			grown := make([]byte, min(n, max(want, 2*cap(r.buf))))
			copy(grown, r.buf[:have])
			r.buf = grown
		}
		r.buf = r.buf[:cap(r.buf)]
		m, err := io.ReadFull(r.r, r.buf[have:want])
		have += m
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// Append appends a whole frame to b.
func Append(b []byte, t Type, payload []byte) []byte {
	b = append(b, byte(t), 0, 0, 0, 0)
	binary.BigEndian.PutUint32(b[len(b)-4:], uint32(len(payload)))
	return append(b, payload...)
}

// AppendOffset appends a frame that is one offset.
func AppendOffset(b []byte, t Type, offset uint64) []byte {
	b = append(b, byte(t), 0, 0, 0, OffsetLen)
	return binary.BigEndian.AppendUint64(b, offset)
}

// AppendData appends the head of a frame that carries n bytes at offset; the bytes are to follow.
func AppendData(b []byte, t Type, offset uint64, n int) []byte {
	b = append(b, byte(t), 0, 0, 0, 0)
	binary.BigEndian.PutUint32(b[len(b)-4:], uint32(n+OffsetLen))
	return binary.BigEndian.AppendUint64(b, offset)
}

// Offsets reads n offsets that are the whole payload.
func Offsets(payload []byte, n int) ([]uint64, error) {
	if len(payload) != n*OffsetLen {
		return nil, fmt.Errorf("the frame has %d bytes instead of %d", len(payload), n*OffsetLen)
	}
	out := make([]uint64, n)
	for i := range out {
		out[i] = binary.BigEndian.Uint64(payload[i*OffsetLen:])
	}
	return out, nil
}

// Data splits a payload into its offset and its bytes.
func Data(payload []byte) (uint64, []byte, error) {
	if len(payload) < OffsetLen {
		return 0, nil, fmt.Errorf("the frame has %d bytes, too few for an offset", len(payload))
	}
	return binary.BigEndian.Uint64(payload), payload[OffsetLen:], nil
}

// Size reads the payload of RESIZE.
func Size(payload []byte) (cols, rows uint16, err error) {
	if len(payload) != 4 {
		return 0, 0, fmt.Errorf("RESIZE has %d bytes instead of 4", len(payload))
	}
	return binary.BigEndian.Uint16(payload), binary.BigEndian.Uint16(payload[2:]), nil
}
