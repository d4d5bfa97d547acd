package execs_test

import (
	"bytes"
	"crypto/sha256"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podkit.dev/agent/internal/agenttest"
	"podkit.dev/agent/internal/frame"
)

// numbers is output of which each byte's place can be told.
const numbers = "seq 1 60000"

func wantNumbers(t *testing.T, got []byte) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(string(got), "\n"), "\n")
	if len(lines) != 60_000 || lines[0] != "1" || lines[59_999] != "60000" || len(got) != 348_894 {
		t.Fatalf("%d lines, %d bytes", len(lines), len(got))
	}
}

func TestResumeAfterCuts(t *testing.T) {
	a := agenttest.Start(t, nil)
	for name, mode := range map[string]any{"stream": nil, "capture": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			id := agenttest.ID()
			got := &agenttest.Result{}
			cmd := spec{"argv": []string{"sh", "-c", numbers + "; sleep 0.3; echo err >&2"}, "maxOutputBytes": mode}
			for cut := range 5 {
				cmd["stdout"], cmd["stderr"] = len(got.Out), len(got.Err)
				s := a.Open(id, cmd)
				if cut == 4 {
					if _, err := s.Collect(got); err != nil {
						t.Fatal(err)
					}
					_ = s.Send(frame.Release, nil)
					break
				}
				// Takes one frame of output and goes.
				for {
					f, err := s.Next()
					if err != nil {
						t.Fatal(err)
					}
					if f.Type == frame.Stdout {
						offset, p, _ := frame.Data(f.Payload)
						if int(offset) != len(got.Out) {
							t.Fatalf("offset %d, have %d", offset, len(got.Out))
						}
						got.Out = append(got.Out, p[:min(len(p), 1000)]...)
						break
					}
				}
				s.Cut()
			}
			wantNumbers(t, got.Out)
			if string(got.Err) != "err\n" {
				t.Errorf("%q", got.Err)
			}
			code(t, got, 0)
		})
	}
}

func TestResumeAfterTheEnd(t *testing.T) {
	a := agenttest.Start(t, nil)
	for name, mode := range map[string]any{"stream": nil, "capture": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			id := agenttest.ID()
			s := a.Open(id, spec{"argv": []string{"sh", "-c", numbers}, "maxOutputBytes": mode})
			s.Cut()
			agenttest.Until(t, "it has ended", func() bool {
				_, b, _ := a.Do("GET", "/v1/execs", nil)
				return strings.Contains(string(b), id) && !strings.Contains(string(b), `"attached":true`) && strings.Contains(string(b), "exited")
			})
			r, err := a.Open(id, spec{"argv": []string{"sh", "-c", numbers}, "maxOutputBytes": mode}).Run()
			if err != nil {
				t.Fatal(err)
			}
			wantNumbers(t, r.Out)
			code(t, r, 0)
		})
	}
}

func TestStreamStopsReadingAtTheWindow(t *testing.T) {
	a := agenttest.Start(t, nil)
	progress := filepath.Join(a.Dir, "progress")
	s := a.Open(agenttest.ID(), spec{
		"argv":           []string{"sh", "-c", "for i in $(seq 1 100); do head -c 100000 /dev/zero; echo $i >> " + progress + "; done"},
		"maxOutputBytes": nil,
	})
	var total uint64
	for total < 1<<20 {
		f, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == frame.Stdout {
			total += uint64(len(f.Payload) - 8)
		}
	}
	if total != 1<<20 {
		t.Fatalf("%d bytes beyond the window", total-1<<20)
	}
	// The rest comes once it is acknowledged, and nothing is lost.
	if err := s.Ack(total, 0); err != nil {
		t.Fatal(err)
	}
	r, err := s.Collect(&agenttest.Result{Out: make([]byte, total)})
	if err != nil || len(r.Out) != 10_000_000 {
		t.Fatal(err, len(r.Out))
	}
}

func TestDesertedCommandIsEnded(t *testing.T) {
	a := agenttest.Start(t, nil)
	id := agenttest.ID()
	word := "31" + itoa(os.Getpid()) + "7"
	s := a.Open(id, spec{"argv": []string{"sleep", word}, "graceMs": 100})
	s.Cut()
	agenttest.Until(t, "the command is ended", func() bool {
		_, b, _ := a.Do("GET", "/v1/status", nil)
		return strings.Contains(string(b), `"execs":0`)
	})
	agenttest.Until(t, "it is forgotten", func() bool {
		return a.OpenAny(id, spec{"argv": []string{"true"}}).Status == 410
	})
}

func TestStdinWholeAndEOF(t *testing.T) {
	a := agenttest.Start(t, nil)
	data := make([]byte, 3<<20)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	s := a.Open(agenttest.ID(), spec{"argv": []string{"sha256sum"}, "stdin": true})
	sendAll(t, s, data, 0, true)
	r, err := s.Collect(&agenttest.Result{})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	if !strings.HasPrefix(string(r.Out), hex(sum[:])) {
		t.Fatalf("%q", r.Out)
	}
	code(t, r, 0)
}

func hex(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

// sendAll sends data from offset on, within the window.
func sendAll(t *testing.T, s *agenttest.Stream, data []byte, acked uint64, eof bool) {
	t.Helper()
	at := acked
	for at < uint64(len(data)) {
		for at-acked >= 1<<20 {
			acked = nextAck(t, s)
		}
		n := min(uint64(len(data))-at, 100_000, 1<<20-(at-acked))
		if err := s.Stdin(at, data[at:at+n]); err != nil {
			t.Fatal(err)
		}
		at += n
	}
	if eof {
		if err := s.StdinEOF(at); err != nil {
			t.Fatal(err)
		}
	}
}

func nextAck(t *testing.T, s *agenttest.Stream) uint64 {
	t.Helper()
	for {
		f, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == frame.StdinAck {
			o, err := frame.Offsets(f.Payload, 1)
			if err != nil {
				t.Fatal(err)
			}
			return o[0]
		}
	}
}

func TestStdinResumes(t *testing.T) {
	a := agenttest.Start(t, nil)
	id := agenttest.ID()
	data := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	cmd := spec{"argv": []string{"sh", "-c", "sleep 0.2; cat"}, "stdin": true, "maxOutputBytes": 1 << 20}
	s := a.Open(id, cmd)
	if err := s.Stdin(0, data[:100_000]); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Next(); err != nil || f.Type != frame.Started {
		t.Fatal(f, err)
	}
	s.Cut()
	s = a.Open(id, cmd)
	f, err := s.Next()
	if err != nil || f.Type != frame.Started {
		t.Fatal(f, err)
	}
	// From the very beginning: what was taken before is skipped.
	sendAll(t, s, data, 0, true)
	r, err := s.Collect(&agenttest.Result{})
	if err != nil || !bytes.Equal(r.Out, data) {
		t.Fatalf("%v: %d bytes", err, len(r.Out))
	}
}

func TestStdinGapCutsTheStream(t *testing.T) {
	a := agenttest.Start(t, nil)
	id := agenttest.ID()
	s := a.Open(id, spec{"argv": []string{"cat"}, "stdin": true})
	_ = s.Stdin(5, []byte("x"))
	if _, err := s.Collect(&agenttest.Result{}); err == nil {
		t.Fatal("the gap was taken")
	}
	s = a.Open(id, spec{"argv": []string{"cat"}, "stdin": true})
	_ = s.Stdin(0, []byte("whole"))
	_ = s.StdinEOF(5)
	if r, err := s.Run(); err != nil || string(r.Out) != "whole" {
		t.Fatal(err, string(r.Out))
	}
}

func TestStdinThatNobodyReads(t *testing.T) {
	a := agenttest.Start(t, nil)
	s := a.Open(agenttest.ID(), spec{"argv": []string{"sh", "-c", "exec <&-; sleep 0.1; echo done"}, "stdin": true})
	_ = s.Stdin(0, make([]byte, 500_000))
	_ = s.StdinEOF(500_000)
	r, err := s.Collect(&agenttest.Result{})
	if err != nil || string(r.Out) != "done\n" {
		t.Fatal(err, string(r.Out))
	}
	code(t, r, 0)
}

func TestWithoutStdinThereIsNone(t *testing.T) {
	a := agenttest.Start(t, nil)
	r := a.Run("cat")
	code(t, r, 0)
}

func TestTerminal(t *testing.T) {
	a := agenttest.Start(t, nil)
	s := a.Open(agenttest.ID(), spec{
		"argv": []string{"sh", "-c", "tty >/dev/null && stty size; trap 'stty size; exit 5' WINCH; echo err >&2; while :; do sleep 0.05; done"},
		"pty":  map[string]int{"cols": 81, "rows": 25}, "stdin": true, "maxOutputBytes": nil,
	})
	got := ""
	read := func(until string) {
		t.Helper()
		for !strings.Contains(got, until) {
			f, err := s.Next()
			if err != nil {
				t.Fatalf("%v after %q", err, got)
			}
			if f.Type == frame.Stdout {
				got += string(f.Payload[8:])
			}
		}
	}
	read("err")
	if !strings.Contains(got, "25 81") {
		t.Fatalf("%q", got)
	}
	_ = s.Send(frame.Resize, []byte{0, 101, 0, 31})
	read("31 101")
	r, err := s.Collect(&agenttest.Result{Out: []byte(got)})
	if err != nil {
		t.Fatal(err)
	}
	code(t, r, 5)
}

func TestTerminalInput(t *testing.T) {
	a := agenttest.Start(t, nil)
	s := a.Open(agenttest.ID(), spec{
		"argv": []string{"sh", "-c", "read line; echo \"got $line\"; cat; echo end"},
		"pty":  map[string]int{"cols": 80, "rows": 24}, "stdin": true, "maxOutputBytes": 1 << 20,
	})
	_ = s.Stdin(0, []byte("hello\n"))
	_ = s.StdinEOF(6)
	r, err := s.Run()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(r.Out), "got hello") || !strings.Contains(string(r.Out), "end") {
		t.Fatalf("%q", r.Out)
	}
	code(t, r, 0)
	// The interrupt character reaches the foreground group.
	s = a.Open(agenttest.ID(), spec{"argv": []string{"sleep", "1000"}, "pty": map[string]int{"cols": 80, "rows": 24}, "stdin": true})
	_ = s.Stdin(0, []byte{3})
	if r, err = s.Run(); err != nil || r.Exit.Signal == nil || *r.Exit.Signal != "INT" {
		t.Fatal(err, r.Exit)
	}
}
