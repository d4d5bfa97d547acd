package execs

import (
	"bytes"
	"syscall"
	"testing"

	"podkit.dev/agent/internal/apierr"
)

func FuzzParseSpec(f *testing.F) {
	f.Add([]byte(`{"argv":["sh","-c","true"],"cwd":"/","env":{"A":"b"},"stdin":true,"pty":{"cols":1,"rows":2},"timeoutMs":1.5,"maxOutputBytes":null,"graceMs":4000,"stdout":1,"stderr":2}`))
	f.Add([]byte(`{"argv":["x"],"timeoutMs":1e300,"graceMs":-0}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSpec(b)
		if err != nil {
			if !apierr.Is(err, apierr.CodeInvalidArgument) {
				t.Fatal(err)
			}
			return
		}
		if len(s.Argv) == 0 || s.GraceMs < 0 || s.MaxOutputBytes != nil && *s.MaxOutputBytes > maxCapture {
			t.Fatalf("%+v", s)
		}
		if s.TimeoutMs != nil && millis(*s.TimeoutMs) < 0 || 2*millis(s.GraceMs) < 0 {
			t.Fatal("a duration overflows")
		}
	})
}

// FuzzSinks compares both sinks with the plain bytes.
func FuzzSinks(f *testing.F) {
	f.Add(10, []byte("hello world, this is longer than ten"), uint8(3), uint8(5))
	f.Add(0, []byte("x"), uint8(1), uint8(1))
	f.Add(1, []byte("xyz"), uint8(1), uint8(2))
	f.Fuzz(func(t *testing.T, limit int, data []byte, piece, read uint8) {
		limit = max(limit, 0) % 100
		c, s := newCapture(limit), newStream()
		for rest := data; len(rest) > 0; {
			n := min(int(piece)+1, len(rest))
			c.write(rest[:n])
			s.write(rest[:n])
			rest = rest[n:]
		}
		want := data
		if len(data) > limit {
			want = append(bytes.Clone(data[:limit-limit/2]), data[len(data)-limit/2:]...)
		}
		if got := readSink(t, c, int(read)+1); !bytes.Equal(got, want) {
			t.Fatalf("capture %d: %q instead of %q", limit, got, want)
		}
		if got := readSink(t, s, int(read)+1); !bytes.Equal(got, data) {
			t.Fatalf("stream: %q instead of %q", got, data)
		}
	})
}

func readSink(t *testing.T, s sink, size int) (got []byte) {
	t.Helper()
	buf := make([]byte, size)
	gaps := 0
	for at := uint64(0); ; {
		offset, n := s.next(at, buf, true)
		if n == 0 {
			return got
		}
		if offset != at {
			gaps++
		}
		if offset < at || gaps > 1 {
			t.Fatalf("offset %d after %d, %d gaps", offset, at, gaps)
		}
		got = append(got, buf[:n]...)
		at = offset + uint64(n)
	}
}

func TestStreamForgetsWhatWasAcknowledged(t *testing.T) {
	s := newStream()
	for i := range 100 {
		s.write(bytes.Repeat([]byte{byte(i)}, 100_000))
		if !s.ack(s.total()) || s.room() != window {
			t.Fatal(i)
		}
		if s.ack(s.total()+1) || s.holds(s.total()-1) || !s.holds(s.total()) {
			t.Fatal(i)
		}
	}
	if len(s.ring) > 1<<18 {
		t.Fatal(len(s.ring))
	}
}

func TestSignals(t *testing.T) {
	for name, want := range map[string]syscall.Signal{"TERM": syscall.SIGTERM, "sigkill": syscall.SIGKILL, "SIGUSR1": syscall.SIGUSR1} {
		if got, ok := ParseSignal(name); !ok || got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, bad := range []string{"", "SIG", "NOPE", "9"} {
		if _, ok := ParseSignal(bad); ok {
			t.Errorf("%q was taken", bad)
		}
	}
	if SignalName(syscall.SIGKILL) != "KILL" || SignalName(40) != "40" {
		t.Error(SignalName(syscall.SIGKILL), SignalName(40))
	}
}

func TestOomCounter(t *testing.T) {
	for in, want := range map[string]uint64{
		"oom_kill_disable 0\nunder_oom 0\noom_kill 3\n":                3,
		"low 0\nhigh 0\nmax 12\noom 2\noom_kill 2\noom_group_kill 0\n": 2,
		"": 0, "oom_kill x\n": 0,
	} {
		if got := parseOomKill([]byte(in)); got != want {
			t.Errorf("%q: %d", in, got)
		}
	}
}
