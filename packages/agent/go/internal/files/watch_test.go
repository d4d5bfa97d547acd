package files

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

type watching struct {
	e      *env
	lines  chan Change
	cancel context.CancelFunc
}

// watch opens one and waits for its first line.
func (e *env) watch(path string, recursive string) *watching {
	e.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	e.t.Cleanup(cancel)
	req, _ := http.NewRequestWithContext(ctx, "GET", e.srv.URL+"/v1/files/watch?"+query("path", path, "recursive", recursive), nil)
	res, err := e.srv.Client().Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	if res.StatusCode != 200 {
		e.t.Fatalf("status %d", res.StatusCode)
	}
	w := &watching{e: e, lines: make(chan Change, 100_000), cancel: cancel}
	go func() {
		defer close(w.lines)
		defer res.Body.Close()
		for s := bufio.NewScanner(res.Body); s.Scan(); {
			var c Change
			if err := json.Unmarshal(s.Bytes(), &c); err != nil {
				e.t.Errorf("%v: %q", err, s.Bytes())
				return
			}
			w.lines <- c
		}
	}()
	w.sees("ready " + strings.TrimSuffix(path, "/"))
	return w
}

// sees waits for changes, in any order and with others between.
func (w *watching) sees(want ...string) (got []string) {
	w.e.t.Helper()
	open := map[string]bool{}
	for _, s := range want {
		open[s] = true
	}
	timeout := time.After(20 * time.Second)
	for len(open) > 0 {
		select {
		case c, ok := <-w.lines:
			if !ok {
				w.e.t.Fatalf("it ended; missing %v, got %v", open, got)
			}
			s := c.Type + " " + strings.TrimPrefix(c.Path, w.e.dir+"/")
			got = append(got, s)
			delete(open, s)
		case <-timeout:
			w.e.t.Fatalf("missing %v, got %v", open, got)
		}
	}
	return got
}

func (w *watching) ends() {
	w.e.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case _, ok := <-w.lines:
			if !ok {
				return
			}
		case <-timeout:
			w.e.t.Fatal("it does not end")
		}
	}
}

func TestWatchFolder(t *testing.T) {
	e := newEnv(t)
	dir := e.makeDir("w", alice, 0o755)
	e.makeDir("w/sub", alice, 0o755)
	w := e.watch("w", "0")
	e.make("w/sub/unseen", "", alice, 0o644)
	p := e.make("w/f", "", alice, 0o644)
	w.sees("created w/f")
	os.WriteFile(p, []byte("x"), 0o644)
	w.sees("modified w/f")
	os.Rename(p, filepath.Join(dir, "g"))
	w.sees("renamed w/f", "created w/g")
	e.put("/content", "new", "path", "w/g").info(t)
	w.sees("created w/g")
	e.do("DELETE", "", nil, "path", "w/g").want(t, 204, "")
	w.sees("removed w/g")
	os.WriteFile(filepath.Join(dir, "bad\xff\n\"name"), nil, 0o644)
	w.sees("created w/bad\uFFFD\n\"name")
	os.RemoveAll(dir)
	w.sees("removed w")
	w.ends()
}

func TestWatchRecursive(t *testing.T) {
	e := newEnv(t)
	e.makeDir("w/a/b", alice, 0o755)
	e.makeDir("other", alice, 0o755)
	w := e.watch("w", "1")
	e.make("w/a/b/f", "", alice, 0o644)
	w.sees("created w/a/b/f")
	// A tree that appears at once is watched and reported as a whole.
	e.makeDir("other/new/deep/er", alice, 0o755)
	e.make("other/new/deep/f", "", alice, 0o644)
	os.Rename(filepath.Join(e.dir, "other/new"), filepath.Join(e.dir, "w/new"))
	w.sees("created w/new", "created w/new/deep", "created w/new/deep/f", "created w/new/deep/er")
	e.make("w/new/deep/er/g", "", alice, 0o644)
	w.sees("created w/new/deep/er/g")
	os.MkdirAll(filepath.Join(e.dir, "w/x/y/z"), 0o755)
	w.sees("created w/x", "created w/x/y", "created w/x/y/z")
	e.make("w/x/y/z/f", "", alice, 0o644)
	w.sees("created w/x/y/z/f")
	// Moved inside: what happens there afterwards has the new path.
	os.Rename(filepath.Join(e.dir, "w/new"), filepath.Join(e.dir, "w/moved"))
	w.sees("renamed w/new", "created w/moved", "created w/moved/deep")
	e.make("w/moved/deep/er/h", "", alice, 0o644)
	w.sees("created w/moved/deep/er/h")
	// Moved out: no longer seen.
	os.Rename(filepath.Join(e.dir, "w/moved"), filepath.Join(e.dir, "other/out"))
	w.sees("renamed w/moved")
	e.make("other/out/deep/er/i", "", alice, 0o644)
	os.RemoveAll(filepath.Join(e.dir, "w/a"))
	for _, s := range w.sees("removed w/a/b/f", "removed w/a/b", "removed w/a") {
		if strings.HasSuffix(s, "/i") {
			t.Errorf("seen after it was moved away: %s", s)
		}
	}
	w.cancel()
	w.ends()
	eventually(t, "the agent lets go", func() bool { return e.h.watchers.Load() == 0 })
}

func TestWatchOneFile(t *testing.T) {
	e := newEnv(t)
	e.makeDir("w", alice, 0o755)
	p := e.make("w/f", "", alice, 0o644)
	w := e.watch("w/f", "1")
	e.make("w/other", "", alice, 0o644)
	os.WriteFile(p, []byte("x"), 0o644)
	w.sees("modified w/f")
	e.put("/content", "replaced", "path", "w/f").info(t)
	w.sees("created w/f")
	os.WriteFile(p, []byte("y"), 0o644)
	w.sees("modified w/f")
	os.Remove(p)
	w.sees("removed w/f")
	for len(w.lines) > 0 {
		if c := <-w.lines; strings.HasSuffix(c.Path, "other") {
			t.Errorf("%+v", c)
		}
	}
}

func TestWatchIsBoundedAndHasTheUsersRights(t *testing.T) {
	e := newEnv(t, func(o *Options) { o.MaxWatches, o.MaxWatchers = 5, 2 })
	e.get("/watch", "path", "none").want(t, 404, "not_found")
	e.makeDir("closed", 0, 0o700)
	e.get("/watch", "path", "closed").want(t, 403, "permission_denied")
	e.make("f", "", alice, 0o644)
	e.get("/watch", "path", "f/").want(t, 409, "invalid_state")
	for n := range 6 {
		e.makeDir(fmt.Sprintf("many/%d", n), alice, 0o755)
	}
	e.get("/watch", "path", "many", "recursive", "1").want(t, 507, "resource_exhausted")
	e.makeDir("few", alice, 0o755)
	w := e.watch("few", "1")
	for n := range 6 {
		e.makeDir(fmt.Sprintf("few/%d", n), alice, 0o755)
	}
	w.sees("overflow few/4")
	e.watch("few", "0")
	e.get("/watch", "path", "few").want(t, 507, "resource_exhausted")
	w.cancel()
	eventually(t, "the first has gone", func() bool { return e.h.watchers.Load() == 1 })
	e.watch("few", "0")
}

func TestWatchOverflow(t *testing.T) {
	in, err := newInotify()
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	dir := scratch(t, "/tmp")
	tree := &watchTree{in: in, root: dir, recursive: true, max: 100, dir: -1, paths: map[int32]string{}}
	if err := tree.begin(dir, 0); err != nil {
		t.Fatal(err)
	}
	// The events of this folder are lost; that it is there is found out all the same.
	os.Mkdir(filepath.Join(dir, "lost"), 0o755)
	tree.handle([]event{{wd: -1, mask: unix.IN_Q_OVERFLOW}})
	if len(tree.out) != 1 || tree.out[0] != (Change{"overflow", dir}) || len(tree.paths) != 2 {
		t.Errorf("%v, %v", tree.out, tree.paths)
	}
	for range 3 * maxReported {
		tree.report("created", "x")
	}
	if n := len(tree.out); n != maxReported || tree.out[n-1].Type != "overflow" {
		t.Errorf("%d, %v", n, tree.out[n-1])
	}
}

func FuzzParseEvents(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00name\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, e := range parseEvents(b) {
			if strings.ContainsRune(e.name, 0) || len(e.name) > len(b) {
				t.Fatalf("%+v", e)
			}
		}
	})
}
