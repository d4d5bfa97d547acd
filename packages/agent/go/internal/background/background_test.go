package background_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"podkit.dev/agent/internal/agenttest"
)

func TestMain(m *testing.M) { agenttest.Main(m) }

type info struct {
	ID, Name, Cwd, User, State string
	Argv                       []string
	Pid                        int
	ExitCode                   *int
	Signal                     *string
	StartedAt                  int64
	ExitedAt                   *int64
	StdoutBytes, StderrBytes   int64
	StdoutDropped              int64
}

func call(t *testing.T, a *agenttest.Agent, method, path string, body any, want int) (i info) {
	t.Helper()
	status, b, err := a.Do(method, path, body)
	if err != nil || status != want {
		t.Fatalf("%s %s: %d %s %v", method, path, status, b, err)
	}
	if want == 200 {
		if err := json.Unmarshal(b, &i); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

func logs(t *testing.T, a *agenttest.Agent, id, query string) (string, int) {
	t.Helper()
	res, err := a.HTTP.Get("http://agent/v1/processes/" + id + "/logs?" + query)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%d %s %v", res.StatusCode, b, err)
	}
	at, _ := strconv.Atoi(res.Header.Get("podkit-offset"))
	return string(b), at
}

type object = map[string]any

func TestLifeOfAProcess(t *testing.T) {
	a := agenttest.Start(t, nil)
	id := agenttest.ID()
	p := "/v1/processes/" + id
	i := call(t, a, "POST", p, object{"name": "web", "argv": []string{"sh", "-c", "echo out $V; echo err >&2; pwd; exit 3"}, "env": object{"V": "val"}, "cwd": "/"}, 200)
	if i.ID != id || i.Name != "web" || i.Pid == 0 || i.Cwd != "/" || i.StartedAt == 0 {
		t.Fatalf("%+v", i)
	}
	i = call(t, a, "GET", p+"/wait", nil, 200)
	if i.State != "failed" || i.ExitCode == nil || *i.ExitCode != 3 || i.ExitedAt == nil || i.StdoutBytes != 10 || i.StderrBytes != 4 {
		t.Fatalf("%+v", i)
	}
	for query, want := range map[string]string{
		"": "out val\n/\n", "stream=stdout&offset=4": "val\n/\n", "stream=stderr": "err\n", "offset=-2": "/\n", "offset=99": "", "offset=-99": "out val\n/\n", "follow=1": "out val\n/\n",
	} {
		if got, _ := logs(t, a, id, query); got != want {
			t.Errorf("%s: %q", query, got)
		}
	}
	if _, at := logs(t, a, id, "offset=-2"); at != 8 {
		t.Errorf("offset %d", at)
	}
	// The same id again is the same process.
	if again := call(t, a, "POST", p, object{"argv": []string{"false"}}, 200); again.Pid != i.Pid || again.State != "failed" {
		t.Errorf("%+v", again)
	}
	call(t, a, "DELETE", p, nil, 204)
	call(t, a, "GET", p, nil, 404)
	if left, _ := os.ReadDir(filepath.Join(a.State, "processes")); len(left) != 0 {
		t.Errorf("%v", left)
	}
}

func TestFollowToTheEnd(t *testing.T) {
	a := agenttest.Start(t, nil)
	id := agenttest.ID()
	call(t, a, "POST", "/v1/processes/"+id, object{"argv": []string{"sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done"}}, 200)
	if got, _ := logs(t, a, id, "follow=1"); got != "1\n2\n3\n4\n5\n" {
		t.Fatalf("%q", got)
	}
}

func TestFollowerThatLetsGoLeavesTheProcess(t *testing.T) {
	a := agenttest.Start(t, nil)
	id := agenttest.ID()
	call(t, a, "POST", "/v1/processes/"+id, object{"argv": []string{"sh", "-c", "echo first; sleep 1000"}}, 200)
	res, err := a.HTTP.Get("http://agent/v1/processes/" + id + "/logs?follow=1")
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 6)
	if _, err := io.ReadFull(res.Body, b); err != nil || string(b) != "first\n" {
		t.Fatal(err, string(b))
	}
	_ = res.Body.Close()
	if i := call(t, a, "GET", "/v1/processes/"+id, nil, 200); i.State != "running" {
		t.Fatalf("%+v", i)
	}
}

func TestStopEndsTheTree(t *testing.T) {
	a := agenttest.Start(t, nil)
	id := agenttest.ID()
	file := filepath.Join(a.Dir, "asked")
	script := "trap 'echo yes > " + file + "; exit 0' TERM; (trap '' TERM; setsid sleep 1000) & echo ready; while :; do sleep 0.05; done"
	call(t, a, "POST", "/v1/processes/"+id, object{"argv": []string{"sh", "-c", script}}, 200)
	agenttest.Until(t, "it is ready", func() bool { s, _ := logs(t, a, id, ""); return s == "ready\n" })
	i := call(t, a, "POST", "/v1/processes/"+id+"/stop", object{"graceMs": 300}, 200)
	if i.State != "exited" || i.ExitCode == nil || *i.ExitCode != 0 {
		t.Fatalf("%+v", i)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error("it was not asked")
	}
	// One that does not listen.
	id = agenttest.ID()
	call(t, a, "POST", "/v1/processes/"+id, object{"argv": []string{"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"}}, 200)
	agenttest.Until(t, "it is ready", func() bool { s, _ := logs(t, a, id, ""); return s == "ready\n" })
	i = call(t, a, "POST", "/v1/processes/"+id+"/stop", object{"graceMs": 100}, 200)
	if i.State != "failed" || i.Signal == nil || *i.Signal != "KILL" {
		t.Fatalf("%+v", i)
	}
}

func TestSignal(t *testing.T) {
	a := agenttest.Start(t, nil)
	id := agenttest.ID()
	call(t, a, "POST", "/v1/processes/"+id, object{"argv": []string{"sleep", "1000"}}, 200)
	call(t, a, "POST", "/v1/processes/"+id+"/signal", object{"signal": "NOPE"}, 400)
	call(t, a, "POST", "/v1/processes/"+id+"/signal", object{"signal": "USR1"}, 204)
	if i := call(t, a, "GET", "/v1/processes/"+id+"/wait", nil, 200); i.Signal == nil || *i.Signal != "USR1" || i.ExitCode != nil {
		t.Fatalf("%+v", i)
	}
}

func TestFailedStarts(t *testing.T) {
	a := agenttest.Start(t, nil)
	for want, c := range map[string]struct {
		body object
		code int
	}{
		"not_found":         {object{"argv": []string{"no-such-program"}}, 400},
		"permission_denied": {object{"argv": []string{"/etc/passwd"}}, 400},
		"invalid_argument":  {object{"argv": []string{}}, 400},
		"working directory": {object{"argv": []string{"true"}, "cwd": "/no/such"}, 404},
	} {
		status, b, err := a.Do("POST", "/v1/processes/"+agenttest.ID(), c.body)
		if err != nil || status != c.code || !strings.Contains(string(b), want) {
			t.Errorf("%s: %d %s %v", want, status, b, err)
		}
	}
	if left, _ := os.ReadDir(filepath.Join(a.State, "processes")); len(left) != 0 {
		t.Errorf("%v", left)
	}
}

func TestLogHasACap(t *testing.T) {
	a := agenttest.Start(t, nil)
	id := agenttest.ID()
	call(t, a, "POST", "/v1/processes/"+id, object{"argv": []string{"head", "-c", "1000000", "/dev/zero"}, "maxLogBytes": 1000}, 200)
	i := call(t, a, "GET", "/v1/processes/"+id+"/wait", nil, 200)
	if i.StdoutBytes != 1000 || i.StdoutDropped != 999_000 {
		t.Fatalf("%+v", i)
	}
}

func TestOutlivesTheAgentOnDisk(t *testing.T) {
	a := agenttest.Start(t, nil)
	ended, running := agenttest.ID(), agenttest.ID()
	call(t, a, "POST", "/v1/processes/"+ended, object{"argv": []string{"echo", "kept"}}, 200)
	call(t, a, "GET", "/v1/processes/"+ended+"/wait", nil, 200)
	call(t, a, "POST", "/v1/processes/"+running, object{"argv": []string{"sh", "-c", "echo begun; exec sleep 1000"}}, 200)
	agenttest.Until(t, "it has begun", func() bool { s, _ := logs(t, a, running, ""); return s == "begun\n" })
	a.Stop()
	// What else lies there is no process and does no harm.
	dir := filepath.Join(a.State, "processes")
	_ = os.MkdirAll(filepath.Join(dir, "rubbish-rubbish"), 0o700)
	_ = os.WriteFile(filepath.Join(dir, "rubbish-rubbish", "info.json"), []byte("{"), 0o600)
	b := agenttest.Start(t, object{"stateDir": a.State})
	if i := call(t, b, "GET", "/v1/processes/"+running, nil, 200); i.State != "lost" || i.ExitCode != nil {
		t.Fatalf("%+v", i)
	}
	if s, _ := logs(t, b, running, "follow=1"); s != "begun\n" {
		t.Fatalf("%q", s)
	}
	if i := call(t, b, "GET", "/v1/processes/"+ended+"/wait", nil, 200); i.State != "exited" || i.StdoutBytes != 5 {
		t.Fatalf("%+v", i)
	}
	_, all, _ := b.Do("GET", "/v1/processes", nil)
	if bytes.Count(all, []byte(`"id"`)) != 2 {
		t.Fatalf("%s", all)
	}
	call(t, b, "POST", "/v1/processes/"+running+"/stop", object{"graceMs": 10}, 200)
	call(t, b, "DELETE", "/v1/processes/"+running, nil, 204)
}

func TestDeleteEndsIt(t *testing.T) {
	a := agenttest.Start(t, nil)
	id := agenttest.ID()
	i := call(t, a, "POST", "/v1/processes/"+id, object{"argv": []string{"sleep", "1000"}}, 200)
	call(t, a, "DELETE", "/v1/processes/"+id, nil, 204)
	if _, err := os.Stat("/proc/" + strconv.Itoa(i.Pid)); err == nil {
		t.Fatal("it runs on")
	}
}
