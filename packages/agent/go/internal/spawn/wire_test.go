package spawn

import (
	"reflect"
	"testing"
)

func TestRequestsComeThroughWhole(t *testing.T) {
	for _, r := range []*Request{
		{Argv: []string{"a"}, Env: []string{}},
		{Argv: []string{"a", "", "ü"}, Env: []string{"A=b", "C="}, Path: "/bin", Cwd: "/x", Tty: true},
		{Argv: []string{"a"}, Env: []string{}, Cred: &Cred{UID: 1<<32 - 2, GID: 7, Groups: []uint32{1, 2, 3}}},
	} {
		b := r.encode(nil, 9, 1<<61)
		got, mark, err := decode(b[headLen:])
		if err != nil || mark != 1<<61 || !reflect.DeepEqual(got, r) {
			t.Errorf("%+v %v, wanted %+v", got, err, r)
		}
		for cut := range len(b) - headLen {
			if _, _, err := decode(b[headLen : headLen+cut]); err == nil {
				t.Fatalf("%d of %d bytes were taken", cut, len(b)-headLen)
			}
		}
	}
	want := result{seq: 1, stage: StageNoExec, errno: 13, pid: 77}
	if got := decodeResult(want.encode()); got != want {
		t.Errorf("%+v", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add((&Request{Argv: []string{"a"}, Env: []string{"B=c"}, Cred: &Cred{Groups: []uint32{1}}}).encode(nil, 1, 2)[headLen:])
	f.Fuzz(func(_ *testing.T, b []byte) { _, _, _ = decode(b) })
}

func TestMarksFallAndStayBelowTheLimit(t *testing.T) {
	for _, limit := range []uint64{1<<64 - 1, 1 << 62, 1 << 40, 5000, 1, 0} {
		m := NewMarks(limit)
		last := limit
		for range 4 {
			v := m.Next()
			if v > last || limit > 1 && v == limit {
				t.Errorf("limit %d: %d after %d", limit, v, last)
			}
			last = v
		}
	}
}
