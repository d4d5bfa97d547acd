package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"podkit.dev/agent/internal/agenttest"
)

func TestMain(m *testing.M) { agenttest.Main(m) }

func request(t *testing.T, a *agenttest.Agent, method, path, protocol, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://agent"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if protocol != "" {
		req.Header.Set("podkit-protocol", protocol)
	}
	res, err := a.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := res.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return res.StatusCode, b.String()
		}
	}
}

func TestHandshake(t *testing.T) {
	a := agenttest.Start(t, nil)
	status, body := request(t, a, "GET", "/v1/hello", "99", "")
	var hello struct {
		Protocol struct{ Major, Minor int }
		Version  string
		Instance string
		Pid, UID int
		Platform string
		Features []string
	}
	if err := json.Unmarshal([]byte(body), &hello); err != nil || status != 200 {
		t.Fatal(status, body, err)
	}
	if hello.Protocol.Major != 1 || hello.Protocol.Minor != 1 || len(hello.Instance) != 32 || hello.Pid != a.Cmd.Process.Pid ||
		!strings.HasPrefix(hello.Platform, "linux/") || len(hello.Features) != 8 || hello.Version == "" {
		t.Fatalf("%+v", hello)
	}
	b := agenttest.Start(t, nil)
	if _, other := request(t, b, "GET", "/v1/hello", "", ""); strings.Contains(other, hello.Instance) {
		t.Fatal("two agents have one instance")
	}
}

func TestOtherMajorIsRefused(t *testing.T) {
	a := agenttest.Start(t, nil)
	status, body := request(t, a, "GET", "/v1/status", "2", "")
	if status != 426 || !strings.Contains(body, "invalid_state") {
		t.Fatal(status, body)
	}
	if status, _ := request(t, a, "GET", "/v1/status", "1", ""); status != 200 {
		t.Fatal(status)
	}
}

func TestBadRequests(t *testing.T) {
	a := agenttest.Start(t, nil)
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"GET", "/v1/nothing", "", 404, "not_found"},
		{"GET", "/", "", 404, "not_found"},
		{"POST", "/v1/shutdown", "{", 400, "invalid_argument"},
		{"POST", "/v1/shutdown", `{"graceMs":-1}`, 400, "invalid_argument"},
		{"POST", "/v1/processes/abcdefgh", strings.Repeat(" ", 1<<20+1), 400, "invalid_argument"},
		{"POST", "/v1/processes/short", `{"argv":["true"]}`, 400, "invalid_argument"},
		{"POST", "/v1/processes/..%2f..%2fx", `{"argv":["true"]}`, 400, "invalid_argument"},
		{"POST", "/v1/execs/abcdefgh", "not a frame", 400, "invalid_argument"},
		{"POST", "/v1/execs/abcdefgh", "", 400, "invalid_argument"},
		{"DELETE", "/v1/execs/abcdefgh", "", 404, "not_found"},
	} {
		status, body := request(t, a, c.method, c.path, "1", c.body)
		var e struct{ Code, Message string }
		_ = json.Unmarshal([]byte(body), &e)
		if status != c.status || e.Code != c.code || e.Message == "" {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, body)
		}
	}
}
