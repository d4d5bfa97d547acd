package execs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"podkit.dev/agent/internal/agenttest"
	"podkit.dev/agent/internal/frame"
)

type spec = agenttest.Spec

func code(t *testing.T, r *agenttest.Result, want int) {
	t.Helper()
	if r.Exit.ExitCode == nil || *r.Exit.ExitCode != want || r.Exit.Signal != nil {
		t.Fatalf("want exit %d: %+v, stderr %q", want, r.Exit, r.Err)
	}
}

func TestMissingProgramIs127(t *testing.T) {
	a := agenttest.Start(t, nil)
	for _, name := range []string{"no-such-program-anywhere", "/no/such/program", "./nothing"} {
		r := a.Run(name)
		code(t, r, 127)
		if !strings.Contains(string(r.Err), name) || len(r.Out) != 0 {
			t.Errorf("%q %q", r.Out, r.Err)
		}
	}
	// At a terminal there is only one stream.
	r := a.RunSpec(spec{"argv": []string{"no-such-program-anywhere"}, "pty": map[string]int{"cols": 80, "rows": 24}})
	code(t, r, 127)
	if !strings.Contains(string(r.Out), "not found") {
		t.Errorf("%q", r.Out)
	}
}

func TestWhatMayNotBeExecutedIs126(t *testing.T) {
	a := agenttest.Start(t, nil)
	dir := filepath.Join(a.Dir, "bin")
	_ = os.Mkdir(dir, 0o755)
	write := func(name, text string, mode os.FileMode) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return name
	}
	plain := write("plain", "#!/bin/sh\n", 0o644)
	garbage := write("garbage", "\x01\x02\x03\x04", 0o755)
	for name, argv := range map[string][]string{"mode": {plain}, "format": {garbage}, "folder": {dir}} {
		r := a.Run(argv...)
		code(t, r, 126)
		if !strings.Contains(string(r.Err), argv[0]) {
			t.Errorf("%s: %q", name, r.Err)
		}
	}
	// By PATH: what cannot be executed is passed over, and counts only where nothing else is found.
	r := a.RunSpec(spec{"argv": []string{"plain"}, "env": map[string]string{"PATH": dir}})
	code(t, r, 126)
	more := filepath.Join(a.Dir, "more")
	_ = os.Mkdir(more, 0o755)
	_ = os.WriteFile(filepath.Join(more, "plain"), []byte("#!/bin/sh\necho found\n"), 0o755)
	r = a.RunSpec(spec{"argv": []string{"plain"}, "env": map[string]string{"PATH": dir + ":" + more}})
	code(t, r, 0)
	if string(r.Out) != "found\n" {
		t.Errorf("%q", r.Out)
	}
}

func TestMissingInterpreterIs127(t *testing.T) {
	a := agenttest.Start(t, nil)
	name := filepath.Join(a.Dir, "script")
	_ = os.WriteFile(name, []byte("#!/no/such/interpreter\n"), 0o755)
	code(t, a.Run(name), 127)
}

func TestWorkingDirectory(t *testing.T) {
	a := agenttest.Start(t, nil)
	work := filepath.Join(a.Dir, "work")
	_ = os.Mkdir(filepath.Join(work, "sub"), 0o755)
	for cwd, want := range map[string]string{"": work, "sub": work + "/sub", "/": "/", "sub/..": work} {
		r := a.RunSpec(spec{"argv": []string{"/bin/pwd"}, "cwd": cwd})
		if string(r.Out) != want+"\n" {
			t.Errorf("%q: %q instead of %q", cwd, r.Out, want)
		}
	}
	s := a.OpenAny(agenttest.ID(), spec{"argv": []string{"true"}, "cwd": "missing"})
	if s.Status != 404 || !strings.Contains(string(s.Body), "not_found") {
		t.Errorf("%d %s", s.Status, s.Body)
	}
	if os.Getuid() == 0 {
		_ = os.Mkdir(filepath.Join(work, "closed"), 0o700)
		s := a.OpenAny(agenttest.ID(), spec{"argv": []string{"true"}, "cwd": "closed", "user": "65534"})
		if s.Status != 403 || !strings.Contains(string(s.Body), "permission_denied") {
			t.Errorf("%d %s", s.Status, s.Body)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("PODKIT_SECRET", "not for commands")
	t.Setenv("FROM_IMAGE", "image")
	t.Setenv("BOTH", "image")
	a := agenttest.Start(t, nil)
	r := a.RunSpec(spec{"argv": []string{"env"}, "env": map[string]string{"BOTH": "call", "EMPTY": "", "UNI": "ü=ß"}})
	lines := strings.Split(string(r.Out), "\n")
	for _, want := range []string{"FROM_IMAGE=image", "BOTH=call", "EMPTY=", "UNI=ü=ß"} {
		if !contains(lines, want) {
			t.Errorf("%q is missing in %q", want, lines)
		}
	}
	if strings.Contains(string(r.Out), "PODKIT_") || strings.Contains(string(r.Out), "BOTH=image") {
		t.Errorf("%q", r.Out)
	}
}

func contains(l []string, s string) bool {
	for _, x := range l {
		if x == s {
			return true
		}
	}
	return false
}

func TestUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: commands of other users")
	}
	a := agenttest.Start(t, map[string]any{"user": "nobody"})
	r := a.Sh("id -u; id -g; id -G; echo $HOME; touch here && echo written; touch /root/x 2>/dev/null || echo refused")
	lines := strings.Fields(string(r.Out))
	if lines[0] != "65534" || !contains(lines, "written") || !contains(lines, "refused") || lines[3] == "/root" {
		t.Errorf("%q %q", r.Out, r.Err)
	}
	r = a.RunSpec(spec{"argv": []string{"sh", "-c", "id -u; id -g"}, "user": "12345:23456"})
	if string(r.Out) != "12345\n23456\n" {
		t.Errorf("%q", r.Out)
	}
	s := a.OpenAny(agenttest.ID(), spec{"argv": []string{"true"}, "user": "no-such-user"})
	if s.Status != 404 && s.Status != 400 {
		t.Errorf("%d %s", s.Status, s.Body)
	}
}

func TestSignalledCommand(t *testing.T) {
	a := agenttest.Start(t, nil)
	r := a.Sh("kill -SEGV $$")
	if r.Exit.ExitCode != nil || r.Exit.Signal == nil || *r.Exit.Signal != "SEGV" {
		t.Fatalf("%+v", r.Exit)
	}
}

func TestTimeout(t *testing.T) {
	a := agenttest.Start(t, nil)
	r := a.RunSpec(spec{"argv": []string{"sh", "-c", "echo before; sleep 3600; echo after"}, "timeoutMs": 200})
	if !r.Exit.TimedOut || r.Exit.Cancelled || string(r.Out) != "before\n" || r.Exit.Signal == nil {
		t.Fatalf("%q %+v", r.Out, r.Exit)
	}
	code(t, a.Run("true"), 0)
	for _, c := range []int{124, 137} {
		r := a.RunSpec(spec{"argv": []string{"sh", "-c", "exit $0", itoa(c)}, "timeoutMs": 60_000})
		code(t, r, c)
		if r.Exit.TimedOut || r.Exit.OomKilled {
			t.Errorf("%+v", r.Exit)
		}
	}
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func TestBackgroundChildDoesNotHoldTheEnd(t *testing.T) {
	a := agenttest.Start(t, nil)
	for _, mode := range []any{1 << 20, nil} {
		r := a.RunSpec(spec{"argv": []string{"sh", "-c", "(sleep 1000; echo never) & echo done"}, "maxOutputBytes": mode})
		code(t, r, 0)
		if string(r.Out) != "done\n" {
			t.Errorf("%q", r.Out)
		}
	}
}

func TestBackgroundWriterIsNotEndedByThePipe(t *testing.T) {
	a := agenttest.Start(t, nil)
	mark := filepath.Join(a.Dir, "still")
	r := a.Sh("(trap 'exit 1' PIPE; sleep 0.5; echo late; echo late; echo late > " + mark + ") & echo done")
	code(t, r, 0)
	agenttest.Until(t, "the child wrote on", func() bool {
		b, _ := os.ReadFile(mark)
		return string(b) == "late\n"
	})
}

func TestOutputIsWholeAtExit(t *testing.T) {
	a := agenttest.Start(t, nil)
	for _, mode := range []any{8 << 20, nil} {
		// More than the pipe holds, at once, by a leader that ends while something else holds the pipe.
		r := a.RunSpec(spec{"argv": []string{"sh", "-c", "sleep 1000 & head -c 3000000 /dev/zero"}, "maxOutputBytes": mode})
		if len(r.Out) != 3_000_000 || r.Gaps[0] != 0 || r.Exit.StdoutBytes != 3_000_000 {
			t.Errorf("%d bytes, %+v", len(r.Out), r.Exit)
		}
	}
}

func TestCaptureKeepsHeadAndTail(t *testing.T) {
	a := agenttest.Start(t, nil)
	r := a.RunSpec(spec{"argv": []string{"sh", "-c", "echo head; head -c 5000000 /dev/zero; echo tail; echo err >&2"}, "maxOutputBytes": 1000})
	if len(r.Out) != 1000 || !bytes.HasPrefix(r.Out, []byte("head\n")) || !bytes.HasSuffix(r.Out, []byte("tail\n")) {
		t.Fatalf("%d bytes: %q", len(r.Out), r.Out)
	}
	if r.Gaps[0] != 5_000_010-1000 || r.Exit.StdoutBytes != 5_000_010 || r.Gaps[1] != 0 || string(r.Err) != "err\n" {
		t.Fatalf("gaps %v %+v", r.Gaps, r.Exit)
	}
	r = a.RunSpec(spec{"argv": []string{"echo", "dropped"}, "maxOutputBytes": 0})
	if len(r.Out) != 0 || r.Exit.StdoutBytes != 8 {
		t.Fatalf("%q %+v", r.Out, r.Exit)
	}
}

func TestEndlessOutputLeavesOthersAlone(t *testing.T) {
	a := agenttest.Start(t, nil)
	s := a.Open(agenttest.ID(), spec{"argv": []string{"yes"}, "maxOutputBytes": 1 << 20})
	for range 50 {
		code(t, a.Run("true"), 0)
	}
	if _, m, err := a.Do("GET", "/v1/status", nil); err != nil || !strings.Contains(string(m), `"execs":1`) {
		t.Fatalf("%s %v", m, err)
	}
	_ = s.Send(frame.Cancel, nil)
	r, err := s.Run()
	if err != nil || !r.Exit.Cancelled || len(r.Out) != 1<<20 {
		t.Fatalf("%v %+v", err, r.Exit)
	}
	if rss := residentKiB(t, a.Cmd.Process.Pid); rss > 100<<10 {
		t.Errorf("the agent has %d KiB", rss)
	}
}

func residentKiB(t *testing.T, pid int) (kib int) {
	t.Helper()
	b, err := os.ReadFile("/proc/" + itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(b), "\n") {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			if err := json.Unmarshal([]byte(strings.Fields(v)[0]), &kib); err != nil {
				t.Fatal(err)
			}
		}
	}
	return kib
}

func TestSameIDStartsOnce(t *testing.T) {
	a := agenttest.Start(t, nil)
	id := agenttest.ID()
	count := filepath.Join(a.Dir, "count")
	cmd := spec{"argv": []string{"sh", "-c", "echo x >> " + count + "; echo out; sleep 0.2"}}
	var wg sync.WaitGroup
	finished := 0
	var mu sync.Mutex
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s := a.OpenAny(id, cmd)
			if s.Status != 200 {
				return
			}
			if r, err := s.Collect(&agenttest.Result{}); err == nil {
				mu.Lock()
				finished++
				mu.Unlock()
				code(t, r, 0)
			}
		}()
	}
	wg.Wait()
	// All but one were cut off by another that took over.
	if finished != 1 {
		t.Errorf("%d streams came to the end", finished)
	}
	if b, _ := os.ReadFile(count); string(b) != "x\n" {
		t.Errorf("started %d times", len(b)/2)
	}
}

func TestReleasedCommandIsGone(t *testing.T) {
	a := agenttest.Start(t, nil)
	id := agenttest.ID()
	s := a.Open(id, spec{"argv": []string{"true"}})
	if _, err := s.Run(); err != nil {
		t.Fatal(err)
	}
	again := a.OpenAny(id, spec{"argv": []string{"true"}})
	if again.Status != 410 || !strings.Contains(string(again.Body), "exec_lost") {
		t.Fatalf("%d %s", again.Status, again.Body)
	}
	if status, _, _ := a.Do("DELETE", "/v1/execs/"+id, nil); status != 404 {
		t.Errorf("%d", status)
	}
	unknown := a.OpenAny(agenttest.ID(), spec{"argv": []string{"true"}, "stdout": 5})
	if unknown.Status != 404 {
		t.Errorf("%d %s", unknown.Status, unknown.Body)
	}
}

func TestDeleteEndsTheTree(t *testing.T) {
	a := agenttest.Start(t, nil)
	id := agenttest.ID()
	s := a.Open(id, spec{"argv": []string{"sleep", "1000"}, "maxOutputBytes": nil})
	if status, b, _ := a.Do("DELETE", "/v1/execs/"+id, nil); status != 204 {
		t.Fatalf("%d %s", status, b)
	}
	if _, err := s.Collect(&agenttest.Result{}); err == nil {
		t.Error("the stream ended as if the command had")
	}
	agenttest.Until(t, "nothing runs", func() bool {
		_, b, _ := a.Do("GET", "/v1/status", nil)
		return strings.Contains(string(b), `"execs":0`)
	})
}

func TestFiftyAtOnce(t *testing.T) {
	a := agenttest.Start(t, nil)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := a.Sh("echo " + itoa(i) + "; sleep 0.1; exit " + itoa(i))
			if r.Exit.ExitCode == nil || *r.Exit.ExitCode != i || string(r.Out) != itoa(i)+"\n" {
				t.Errorf("%d: %q %+v", i, r.Out, r.Exit)
			}
		}()
	}
	wg.Wait()
}

func TestBadRequestsAreRefused(t *testing.T) {
	a := agenttest.Start(t, nil)
	for name, bad := range map[string]spec{
		"no argv":      {"argv": []string{}},
		"NUL":          {"argv": []string{"a\x00b"}},
		"env name":     {"argv": []string{"true"}, "env": map[string]string{"A=B": "x"}},
		"empty name":   {"argv": []string{"true"}, "env": map[string]string{"": "x"}},
		"negative cap": {"argv": []string{"true"}, "maxOutputBytes": -1},
		"type":         {"argv": "true"},
		"long cwd":     {"argv": []string{"true"}, "cwd": strings.Repeat("a", 5000)},
	} {
		s := a.OpenAny(agenttest.ID(), bad)
		if s.Status != 400 || !strings.Contains(string(s.Body), "invalid_argument") {
			t.Errorf("%s: %d %s", name, s.Status, s.Body)
		}
	}
	if s := a.OpenAny("short", spec{"argv": []string{"true"}}); s.Status != 400 {
		t.Errorf("%d", s.Status)
	}
	code(t, a.Run("true"), 0)
}
