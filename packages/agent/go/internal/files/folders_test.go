package files

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStat(t *testing.T) {
	e := newEnv(t)
	p := e.make("f", "abc", bob, 0o4640)
	os.Chmod(p, 0o640|os.ModeSetuid)
	e.symlink("f", "link", alice)
	e.symlink("nowhere", "broken", alice)
	want, _ := os.Stat(p)
	got := e.get("/stat", "path", "./link").info(t)
	if got != (FileInfo{Path: filepath.Join(e.dir, "link"), Name: "link", Type: "file", Size: 3, Mode: 0o4640, UID: bob, GID: bob, MtimeMs: want.ModTime().UnixMilli()}) {
		t.Errorf("%+v", got)
	}
	got = e.get("/stat", "path", "link", "follow", "0").info(t)
	if got.Type != "symlink" || got.Target != "f" || got.UID != alice {
		t.Errorf("%+v", got)
	}
	e.get("/stat", "path", "broken").want(t, 404, "not_found")
	e.get("/stat", "path", "broken", "follow", "0").want(t, 200, "")
	e.get("/stat", "path", "f", "follow", "maybe").want(t, 400, "invalid_argument")
	if got := e.get("/stat", "path", "link/../x/..", "user", "0:0"); got.status != 409 {
		t.Errorf("`..` after a file: %d", got.status) // the kernel says so, by text it would be the folder
	}
	if got := e.get("/stat", "path", "..").info(t); got.Path != "/tmp" || got.Name != "tmp" {
		t.Errorf("%+v", got)
	}
	if got := e.get("/stat", "path", "/").info(t); got.Path != "/" || got.Name != "/" || got.Type != "directory" {
		t.Errorf("%+v", got)
	}
	if got := e.get("/stat", "path", "/dev/null").info(t); got.Type != "other" {
		t.Errorf("%+v", got)
	}
	e.makeDir("closed", 0, 0o700)
	e.get("/stat", "path", "closed/x").want(t, 403, "permission_denied")
	e.get("/stat", "path", "closed/x", "user", "0:0").want(t, 404, "not_found")
}

func listing(t *testing.T, a answer) (paths []string, truncated bool) {
	t.Helper()
	var l Listing
	if err := json.Unmarshal(a.want(t, 200, "").body, &l); err != nil {
		t.Fatal(err)
	}
	for _, i := range l.Entries {
		paths = append(paths, i.Path)
	}
	return paths, l.Truncated
}

func TestList(t *testing.T) {
	e := newEnv(t)
	root := e.makeDir("top", alice, 0o755)
	for _, d := range []string{"top/a/b/c", "top/z", "top/closed"} {
		e.makeDir(d, alice, 0o755)
	}
	e.make("top/closed/x", "", 0, 0o600)
	e.own(filepath.Join(root, "closed"), 0, 0o700)
	e.make("top/a.b", "", alice, 0o644)
	e.make("top/a/f", "", alice, 0o644)
	e.symlink("a", "top/link", alice)
	e.symlink("/", "top/a/rootlink", alice)
	in := func(names ...string) (out []string) {
		for _, n := range names {
			out = append(out, root+"/"+n)
		}
		return out
	}
	for _, c := range []struct {
		depth string
		want  []string
	}{
		{"", in("a", "a.b", "closed", "link", "z")},
		{"2", in("a", "a.b", "a/b", "a/f", "a/rootlink", "closed", "link", "z")},
		{"9", in("a", "a.b", "a/b", "a/b/c", "a/f", "a/rootlink", "closed", "link", "z")},
	} {
		got, truncated := listing(t, e.get("/list", "path", "top", "depth", c.depth))
		if !slices.Equal(got, c.want) || truncated {
			t.Errorf("depth %q: %q, truncated %v", c.depth, got, truncated)
		}
	}
	if got, truncated := listing(t, e.get("/list", "path", "top", "depth", "9", "limit", "3")); len(got) != 3 || !truncated {
		t.Errorf("limit: %q %v", got, truncated)
	}
	if got, truncated := listing(t, e.get("/list", "path", "top", "limit", "5")); len(got) != 5 || truncated {
		t.Errorf("just the limit: %q %v", got, truncated)
	}
	if got, _ := listing(t, e.get("/list", "path", "top/link")); !slices.Equal(got, in("link/b", "link/f", "link/rootlink")) {
		t.Errorf("the link that was asked for: %q", got)
	}
	e.makeDir("empty", alice, 0o755)
	if a := e.get("/list", "path", "empty"); strings.TrimSpace(string(a.body)) != `{"entries":[],"truncated":false}` {
		t.Errorf("%s", a.body)
	}
	e.get("/list", "path", "top/a.b").want(t, 409, "invalid_state")
	e.get("/list", "path", "none").want(t, 404, "not_found")
	e.get("/list", "path", "top/closed").want(t, 403, "permission_denied")
	for _, bad := range []string{"0", "-1", "x", "99999999999999999999"} {
		e.get("/list", "path", "top", "depth", bad).want(t, 400, "invalid_argument")
		e.get("/list", "path", "top", "limit", bad).want(t, 400, "invalid_argument")
	}
}

func TestListOfHostileNames(t *testing.T) {
	e := newEnv(t)
	e.makeDir("h", alice, 0o755)
	for n := range 5000 {
		// Each byte of it needs six in JSON: the whole would be 2 x 7.5 MB and more.
		name := fmt.Sprintf("%04d", n) + strings.Repeat("\x01", 250)
		if err := os.WriteFile(filepath.Join(e.dir, "h", name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(e.dir, "h", "\xff\xfe\"\\\u2028"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	a := e.get("/list", "path", "h")
	if len(a.body) > 16<<20 {
		t.Errorf("%d bytes", len(a.body))
	}
	if got, truncated := listing(t, a); len(got) < 1000 || !truncated {
		t.Errorf("%d entries, truncated %v", len(got), truncated)
	}
}

func TestMkdir(t *testing.T) {
	e := newEnv(t)
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	got := e.do("POST", "/mkdir", nil, "path", "a", "mode", "0o770").info(t)
	if got.Type != "directory" || got.Mode != 0o770 || got.UID != alice || got.GID != alice || got.Path != filepath.Join(e.dir, "a") {
		t.Errorf("%+v", got)
	}
	e.do("POST", "/mkdir", nil, "path", "a").want(t, 409, "already_exists")
	if got := e.do("POST", "/mkdir", nil, "path", "a", "parents", "1", "mode", "0").info(t); got.Mode != 0o770 {
		t.Errorf("an existing one was changed: %+v", got)
	}
	e.do("POST", "/mkdir", nil, "path", "x/y/z").want(t, 404, "not_found")
	if got := e.do("POST", "/mkdir", nil, "path", "x/y//z/", "parents", "1").info(t); got.Mode != 0o755 || got.Name != "z" {
		t.Errorf("%+v", got)
	}
	e.make("file", "", alice, 0o644)
	e.do("POST", "/mkdir", nil, "path", "file", "parents", "1").want(t, 409, "already_exists")
	e.do("POST", "/mkdir", nil, "path", "file/x", "parents", "1").want(t, 409, "invalid_state")
	e.makeDir("closed", 0, 0o755)
	e.do("POST", "/mkdir", nil, "path", "closed/x", "parents", "1").want(t, 403, "permission_denied")
	e.do("POST", "/mkdir", nil, "path", "/", "parents", "1").want(t, 200, "")
}

func TestRename(t *testing.T) {
	e := newEnv(t)
	e.make("a", "a", alice, 0o644)
	e.make("b", "b", alice, 0o644)
	e.makeDir("d/full", alice, 0o755)
	e.do("POST", "/rename", nil, "path", "a", "to", "b").want(t, 204, "")
	e.is(filepath.Join(e.dir, "b"), "a", alice, 0o644)
	e.do("POST", "/rename", nil, "path", "a", "to", "c").want(t, 404, "not_found")
	e.do("POST", "/rename", nil, "path", "b", "to", "d").want(t, 409, "invalid_state")
	e.do("POST", "/rename", nil, "path", "b", "to", "/proc/x").want(t, 409, "invalid_state")
	e.do("POST", "/rename", nil, "path", "b").want(t, 400, "invalid_argument")
	e.makeDir("closed", 0, 0o755)
	e.do("POST", "/rename", nil, "path", "b", "to", "closed/b").want(t, 403, "permission_denied")
}

func TestRemove(t *testing.T) {
	e := newEnv(t)
	outside := e.makeDir("outside", alice, 0o755)
	e.make("outside/kept", "k", alice, 0o644)
	e.makeDir("d/e/f", alice, 0o755)
	e.own(filepath.Join(e.dir, "d"), alice, 0o755)
	e.own(filepath.Join(e.dir, "d/e"), alice, 0o755)
	for n := range 2000 { // more than one batch of names
		e.make(fmt.Sprintf("d/e/file-with-a-long-name-%d", n), "", 0, 0)
	}
	e.symlink(outside, "d/e/link", alice)
	e.symlink(outside, "link", alice)
	e.do("DELETE", "", nil, "path", "none").want(t, 404, "not_found")
	e.do("DELETE", "", nil, "path", "d").want(t, 409, "invalid_state")
	e.do("DELETE", "", nil, "path", "d", "recursive", "1").want(t, 204, "")
	e.do("DELETE", "", nil, "path", "link", "recursive", "1").want(t, 204, "")
	e.is(filepath.Join(outside, "kept"), "k", alice, 0o644)
	if got := e.names(e.dir); !slices.Equal(got, []string{"outside"}) {
		t.Errorf("%q", got)
	}
	e.makeDir("emptydir", alice, 0o755)
	e.do("DELETE", "", nil, "path", "emptydir/").want(t, 204, "")
	e.makeDir("roots", 0, 0o755)
	e.make("roots/x", "", alice, 0o644)
	e.do("DELETE", "", nil, "path", "roots/x").want(t, 403, "permission_denied")
	e.do("DELETE", "", nil, "path", "roots", "recursive", "1").want(t, 403, "permission_denied")
	for _, p := range []string{"/", "//.", "/..", "..", "outside/.."} {
		e.do("DELETE", "", nil, "path", p, "recursive", "1").want(t, 400, "invalid_argument")
	}
}

// A tree deeper than a path can say, and than there are descriptors.
func TestRemoveAndListDeepTree(t *testing.T) {
	e := newEnv(t)
	e.makeDir("deep", alice, 0o777)
	const levels = 3000
	err := pool().Do(t.Context(), person(alice), func() error {
		fd, err := openDir(unix.AT_FDCWD, filepath.Join(e.dir, "deep"))
		for n := 0; err == nil && n < levels; n++ {
			if err = unix.Mkdirat(fd, "dd", 0o755); err == nil {
				var next int
				next, err = openDir(fd, "dd")
				unix.Close(fd)
				fd = next
			}
		}
		unix.Close(fd)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for depth, truncates := range map[string]bool{"256": false, "1000": true} {
		if got, truncated := listing(t, e.get("/list", "path", "deep", "depth", depth)); len(got) != 256 || truncated != truncates {
			t.Errorf("depth %s: %d entries, truncated %v", depth, len(got), truncated)
		}
	}
	// A tar of it fails, and is no shorter tar that looks whole.
	res, err := e.srv.Client().Get(e.srv.URL + "/v1/files/tar?path=deep")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); res.StatusCode == 200 && err == nil {
		t.Errorf("tar: %d bytes without an error", len(b))
	}
	e.do("DELETE", "", nil, "path", "deep", "recursive", "1").want(t, 204, "")
	if got := e.names(e.dir); len(got) != 0 {
		t.Errorf("%q", got)
	}
}
