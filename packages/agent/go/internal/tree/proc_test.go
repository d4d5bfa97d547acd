package tree

import (
	"os"
	"os/exec"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadsOwnProcess(t *testing.T) {
	r := newReader()
	pids, err := r.pids(nil)
	if err != nil || !slices.Contains(pids, os.Getpid()) || !slices.IsSorted(pids) {
		t.Fatal(err, pids)
	}
	if p, err := r.parent(os.Getpid()); err != nil || p != os.Getppid() {
		t.Fatal(p, err)
	}
	want, err := r.mark(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// The file says the same as the call.
	b, err := r.read(os.Getpid(), "/limits")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := parseLimits(b); !ok || got != want {
		t.Fatal(got, want, ok)
	}
}

func TestNewestRises(t *testing.T) {
	r := newReader()
	before, ok := r.newest()
	if err := exec.Command("true").Run(); err != nil {
		t.Fatal(err)
	}
	after, ok2 := r.newest()
	if !ok || !ok2 || after <= before {
		t.Fatal(before, after)
	}
}

func TestParseLimits(t *testing.T) {
	const head = "Limit                     Soft Limit           Hard Limit           Units     \n"
	for line, want := range map[string]uint64{
		"Max file locks            unlimited            unlimited            locks     \n":                   unix.RLIM_INFINITY,
		"Max file locks            4611686018427387904  4611686018427386880  locks     \n":                   4611686018427386880,
		"Max cpu time              1                    1                    seconds   \nMax file locks 1 2": 2,
	} {
		if got, ok := parseLimits([]byte(head + line)); !ok || got != want {
			t.Errorf("%q: %d %v", line, got, ok)
		}
	}
	for _, bad := range []string{"", "Max file locks", "Max file locks 1", "Max file locks a b", "Max file locks 1 99999999999999999999999"} {
		if _, ok := parseLimits([]byte(bad)); ok {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestParseParent(t *testing.T) {
	for in, want := range map[string]int{
		"12 (sh) S 7 12 12": 7,
		"12 (a) b) (x) Z 3": 3,
		"12 ()) R 1 0":      1,
		"12 (a\nb) D 99 1":  99,
	} {
		if got, ok := parseParent([]byte(in)); !ok || got != want {
			t.Errorf("%q: %d %v", in, got, ok)
		}
	}
	for _, bad := range []string{"", "12 (sh", "12 (sh) S", "12 (sh) S x", "12 (sh) S -1"} {
		if _, ok := parseParent([]byte(bad)); ok {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzProc(f *testing.F) {
	f.Add([]byte("1 (x) S 2 3"))
	f.Add([]byte("Max file locks 1 2 locks\n"))
	f.Add([]byte("0.00 0.01 0.05 1/100 12345\n"))
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x18\x00\x04123\x00\x00"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		parseDents(b, nil)
		parseLimits(b)
		parseParent(b)
		parseNewest(b)
	})
}

// BenchmarkPass250 is one look at 250 processes of one tree and what else runs.
func BenchmarkPass250(b *testing.B) {
	for range 250 {
		c := exec.Command("sleep", "1000")
		if err := c.Start(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	}
	t := &Trees{Spawner: func() int { return 0 }, Issued: func(uint64) bool { return true }}
	b.ResetTimer()
	for range b.N {
		t.Members(12345)
	}
}
