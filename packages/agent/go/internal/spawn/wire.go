package spawn

import (
	"encoding/binary"
	"errors"
)

// Request is one program to start.
type Request struct {
	// Argv is the program and its arguments; Argv[0] is looked up in Path where it has no slash.
	Argv []string
	Env  []string
	// Path is the PATH that Argv[0] is looked up in.
	Path string
	// Cwd must be absolute.
	Cwd string
	// Cred is who it runs as; nil is the agent itself.
	Cred *Cred
	// Tty makes the first descriptor the controlling terminal.
	Tty bool
}

// Cred is an identity as the kernel knows it.
type Cred struct {
	UID, GID uint32
	Groups   []uint32
}

// Stage says how far a start came.
type Stage uint8

// The stages of a start, and what an errno belongs to.
const (
	StageStarted  Stage = iota
	StageCwd            // the working directory
	StageNotFound       // the program was not found
	StageNoExec         // the program is there and may not be executed
	StageExec           // fork or exec
	StageLimit          // the mark could not be set
)

type result struct {
	seq   uint32
	stage Stage
	errno uint32
	pid   uint32
}

const (
	headLen    = 8 // u32 length of what follows, u32 sequence number
	resultLen  = 13
	maxRequest = 8 << 20
	maxGroups  = 65536
)

var errMalformed = errors.New("malformed request")

type encoder struct{ b []byte }

func (e *encoder) u32(v uint32) { e.b = binary.LittleEndian.AppendUint32(e.b, v) }
func (e *encoder) u64(v uint64) { e.b = binary.LittleEndian.AppendUint64(e.b, v) }
func (e *encoder) str(s string) { e.u32(uint32(len(s))); e.b = append(e.b, s...) }
func (e *encoder) strs(l []string) {
	e.u32(uint32(len(l)))
	for _, s := range l {
		e.str(s)
	}
}

// encode appends the whole message, head included.
func (r *Request) encode(b []byte, seq uint32, mark uint64) []byte {
	e := encoder{b: b}
	at := len(b)
	e.u32(0)
	e.u32(seq)
	e.u64(mark)
	var flags uint32
	if r.Tty {
		flags |= 1
	}
	if r.Cred != nil {
		flags |= 2
	}
	e.u32(flags)
	if r.Cred != nil {
		e.u32(r.Cred.UID)
		e.u32(r.Cred.GID)
		e.u32(uint32(len(r.Cred.Groups)))
		for _, g := range r.Cred.Groups {
			e.u32(g)
		}
	}
	e.str(r.Path)
	e.str(r.Cwd)
	e.strs(r.Argv)
	e.strs(r.Env)
	binary.LittleEndian.PutUint32(e.b[at:], uint32(len(e.b)-at-headLen))
	return e.b
}

type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.b) {
		d.bad = true
		return nil
	}
	p := d.b[:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) u32() uint32 {
	if p := d.take(4); p != nil {
		return binary.LittleEndian.Uint32(p)
	}
	return 0
}

func (d *decoder) u64() uint64 {
	if p := d.take(8); p != nil {
		return binary.LittleEndian.Uint64(p)
	}
	return 0
}

func (d *decoder) str() string { return string(d.take(int(d.u32()))) }

func (d *decoder) strs() []string {
	n := int(d.u32())
	if n > len(d.b)/4 {
		d.bad = true
		return nil
	}
	l := make([]string, n)
	for i := range l {
		l[i] = d.str()
	}
	return l
}

// decode reads what follows the head.
func decode(b []byte) (*Request, uint64, error) {
	d := decoder{b: b}
	mark := d.u64()
	flags := d.u32()
	r := &Request{Tty: flags&1 != 0}
	if flags&2 != 0 {
		r.Cred = &Cred{UID: d.u32(), GID: d.u32()}
		n := int(d.u32())
		if n > maxGroups || n > len(d.b)/4 {
			return nil, 0, errMalformed
		}
		for range n {
			r.Cred.Groups = append(r.Cred.Groups, d.u32())
		}
	}
	r.Path = d.str()
	r.Cwd = d.str()
	r.Argv = d.strs()
	r.Env = d.strs()
	if d.bad || len(d.b) != 0 || len(r.Argv) == 0 {
		return nil, 0, errMalformed
	}
	return r, mark, nil
}

func (r result) encode() []byte {
	b := make([]byte, 0, resultLen)
	b = binary.LittleEndian.AppendUint32(b, r.seq)
	b = append(b, byte(r.stage))
	b = binary.LittleEndian.AppendUint32(b, r.errno)
	return binary.LittleEndian.AppendUint32(b, r.pid)
}

func decodeResult(b []byte) result {
	return result{
		seq:   binary.LittleEndian.Uint32(b),
		stage: Stage(b[4]),
		errno: binary.LittleEndian.Uint32(b[5:]),
		pid:   binary.LittleEndian.Uint32(b[9:]),
	}
}
