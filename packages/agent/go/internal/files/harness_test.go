package files

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"podkit.dev/agent/internal/fsuser"
	"podkit.dev/agent/internal/users"
)

// The default user of the tests, and another one.
const (
	alice = 4000
	bob   = 4100
)

func person(uid uint32) users.Identity {
	return users.Identity{UID: uid, GID: uid, Groups: []uint32{uid}, Name: "u", Home: "/"}
}

func fixedUser(spec string) (users.Identity, error) {
	if spec == "" {
		return person(alice), nil
	}
	return users.Resolve(spec, "/")
}

// pool is shared: its threads live as long as the process.
var pool = sync.OnceValue(func() *fsuser.Pool { return fsuser.New(fsuser.DefaultSize) })

// env is a file API over HTTP, and a folder that any user may write to.
type env struct {
	t        testing.TB
	h        *Handler
	srv      *httptest.Server
	dir      string
	activity atomic.Int64
}

func newEnv(t testing.TB, change ...func(*Options)) *env {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be several users")
	}
	o := Options{Pool: pool(), SpoolDir: t.TempDir(), User: fixedUser}
	for _, fn := range change {
		fn(&o)
	}
	return serve(t, o)
}

// serve puts the API on a port, with a folder of its own.
func serve(t testing.TB, o Options) *env {
	t.Helper()
	e := &env{t: t, dir: scratch(t, "/tmp")}
	o.WorkingDir = e.dir
	o.Activity = func() { e.activity.Add(1) }
	e.h = New(o)
	mux := http.NewServeMux()
	e.h.Register(mux)
	e.srv = httptest.NewServer(mux)
	t.Cleanup(e.srv.Close)
	return e
}

// scratch is not t.TempDir, whose parents are closed to other users.
func scratch(t testing.TB, in string) string {
	t.Helper()
	dir, err := os.MkdirTemp(in, "files")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// answer is what came back.
type answer struct {
	status int
	body   []byte
	header http.Header
	code   string
}

func (a answer) info(t testing.TB) FileInfo {
	t.Helper()
	var i FileInfo
	if a.status != 200 {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &i); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return i
}

// query makes a query of pairs.
func query(pairs ...string) string {
	q := url.Values{}
	for n := 0; n < len(pairs); n += 2 {
		q.Set(pairs[n], pairs[n+1])
	}
	return q.Encode()
}

func (e *env) do(method, route string, body io.Reader, pairs ...string) answer {
	e.t.Helper()
	req, err := http.NewRequest(method, e.srv.URL+"/v1/files"+route+"?"+query(pairs...), body)
	if err != nil {
		e.t.Fatal(err)
	}
	res, err := e.srv.Client().Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		e.t.Fatalf("%s %s: the answer was cut: %v", method, route, err)
	}
	if a.status >= 400 {
		var f struct{ Code, Message string }
		if err := json.Unmarshal(a.body, &f); err != nil || f.Code == "" || f.Message == "" {
			e.t.Fatalf("status %d without a code: %s", a.status, a.body)
		}
		a.code = f.Code
	}
	return a
}

func (e *env) get(route string, pairs ...string) answer {
	e.t.Helper()
	return e.do("GET", route, nil, pairs...)
}

func (e *env) put(route, body string, pairs ...string) answer {
	e.t.Helper()
	return e.do("PUT", route, bytes.NewReader([]byte(body)), pairs...)
}

// want fails unless the answer has this status and, if not "", this code.
func (a answer) want(t testing.TB, status int, code string) answer {
	t.Helper()
	if a.status != status || a.code != code {
		t.Errorf("status %d %s, want %d %s: %.300s", a.status, a.code, status, code, a.body)
	}
	return a
}

// make puts a file there as another owner would have.
func (e *env) make(name, text string, uid int, mode os.FileMode) string {
	e.t.Helper()
	p := filepath.Join(e.dir, name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
	e.own(p, uid, mode)
	return p
}

func (e *env) makeDir(name string, uid int, mode os.FileMode) string {
	e.t.Helper()
	p := filepath.Join(e.dir, name)
	if err := os.MkdirAll(p, 0o755); err != nil {
		e.t.Fatal(err)
	}
	e.own(p, uid, mode)
	return p
}

func (e *env) own(p string, uid int, mode os.FileMode) {
	e.t.Helper()
	if err := os.Chown(p, uid, uid); err != nil {
		e.t.Fatal(err)
	}
	if err := os.Chmod(p, mode); err != nil {
		e.t.Fatal(err)
	}
}

func (e *env) symlink(target, name string, uid int) string {
	e.t.Helper()
	p := filepath.Join(e.dir, name)
	if err := os.Symlink(target, p); err != nil {
		e.t.Fatal(err)
	}
	if err := os.Lchown(p, uid, uid); err != nil {
		e.t.Fatal(err)
	}
	return p
}

// is fails unless the file has this content, owner and mode.
func (e *env) is(p, text string, uid uint32, mode os.FileMode) {
	e.t.Helper()
	b, err := os.ReadFile(p)
	if err != nil {
		e.t.Error(err)
		return
	}
	st, _ := os.Lstat(p)
	sys := st.Sys().(*syscall.Stat_t)
	if string(b) != text || sys.Uid != uid || sys.Gid != uid || st.Mode() != mode {
		e.t.Errorf("%s: %.40q (%d bytes), owner %d:%d, mode %v; want %.40q (%d bytes), %d, %v",
			p, b, len(b), sys.Uid, sys.Gid, st.Mode(), text, len(text), uid, mode)
	}
}

// names are what is in a folder, hidden ones too.
func (e *env) names(dir string) []string {
	e.t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		e.t.Fatal(err)
	}
	names := []string{}
	for _, x := range entries {
		names = append(names, x.Name())
	}
	return names
}

// eventually polls until ok or a generous deadline.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
