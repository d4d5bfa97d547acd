package frame

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestReaderReadsWhatAppendWrote(t *testing.T) {
	var b []byte
	b = Append(b, Spec, []byte(`{"argv":["x"]}`))
	b = Append(b, Cancel, nil)
	b = AppendOffset(b, StdinAck, 1<<40)
	b = AppendData(b, Stdout, 7, 3)
	b = append(b, "abc"...)
	r := NewReader(iotest.OneByteReader(bytes.NewReader(b)))
	expect := func(want Type, payload string) []byte {
		t.Helper()
		got, p, err := r.Next()
		if err != nil || got != want || payload != "?" && string(p) != payload {
			t.Fatalf("%#x %q %v", got, p, err)
		}
		return p
	}
	expect(Spec, `{"argv":["x"]}`)
	expect(Cancel, "")
	if o, err := Offsets(expect(StdinAck, "?"), 1); err != nil || o[0] != 1<<40 {
		t.Fatal(o, err)
	}
	if o, p, err := Data(expect(Stdout, "?")); err != nil || o != 7 || string(p) != "abc" {
		t.Fatal(o, p, err)
	}
	if _, _, err := r.Next(); err != io.EOF {
		t.Fatal(err)
	}
}

func TestReaderRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"too long":          {[]byte{1, 0, 16, 0, 1}, ErrTooLong},
		"cut in the header": {[]byte{1, 0, 0}, io.ErrUnexpectedEOF},
		"cut in the bytes":  {[]byte{1, 0, 0, 0, 5, 'a'}, io.ErrUnexpectedEOF},
		"nothing follows":   {[]byte{1, 0, 0, 0, 5}, io.ErrUnexpectedEOF},
	} {
		if _, _, err := NewReader(bytes.NewReader(c.in)).Next(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMemoryFollowsWhatCame(t *testing.T) {
	r := NewReader(bytes.NewReader([]byte{2, 0, 16, 0, 0, 1, 2, 3}))
	if _, _, err := r.Next(); err != io.ErrUnexpectedEOF || cap(r.buf) > 2*step {
		t.Fatal(err, cap(r.buf))
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 2, '{', '}'})
	f.Add([]byte{2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 'x', 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(bytes.NewReader(b))
		var again []byte
		for {
			typ, p, err := r.Next()
			if err != nil {
				break
			}
			again = Append(again, typ, p)
			_, _, _ = Data(p)
			_, _ = Offsets(p, 2)
			_, _, _ = Size(p)
		}
		if !bytes.HasPrefix(b, again) {
			t.Fatalf("%x read as %x", b, again)
		}
	})
}
