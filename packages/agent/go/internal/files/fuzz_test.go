package files

import (
	"archive/tar"
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func FuzzParams(f *testing.F) {
	for _, q := range []string{"path=a/b", "path=/../..//x/./&mode=0644", "path=%00", "path=a%2", "depth=1&limit=2&path=.&recursive=1", "mode=0o7777&path=x/", "offset=-1", "mode=1_0", "path=" + strings.Repeat("a", 4097)} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		v, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		p := params{values: v, workingDir: "/work"}
		if s, err := p.path("path"); err == nil {
			if s[0] != '/' || len(s) >= maxPath || strings.ContainsRune(s, 0) || strings.Contains(s, "//") || strings.Contains(s, "/./") {
				t.Fatalf("path %q", s)
			}
			if x := shown(s); x[0] != '/' || strings.HasSuffix(x, "/..") || base(x) == "" || base(x) == ".." || strings.Contains(base(x), "/") && x != "/" {
				t.Fatalf("shown %q of %q", x, s)
			}
		}
		if m, err := p.mode("mode", 1); err == nil && m > 0o7777 {
			t.Fatalf("mode %o", m)
		}
		if n, err := p.number("depth", 1, 1, 9); err == nil && (n < 1 || n > 9) {
			t.Fatalf("depth %d", n)
		}
		if n, err := p.size("offset", 0); err == nil && n < 0 {
			t.Fatalf("offset %d", n)
		}
		_, _ = p.flag("recursive", false)
	})
}

func FuzzTarNames(f *testing.F) {
	f.Add("a/b", "../c")
	f.Add("./a//b/.", "..")
	f.Add("a/../b", "/x")
	f.Fuzz(func(t *testing.T, name, target string) {
		clean, err := entryName(name)
		if err != nil {
			return
		}
		if clean != "" && (clean != filepath.Clean(clean) || filepath.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../")) {
			t.Fatalf("name %q became %q", name, clean)
		}
		if linkTarget(clean, target, false) == nil {
			dir, _ := parent(clean)
			if to := filepath.Join("/root", dir, target); clean != "" && to != "/root" && !strings.HasPrefix(to, "/root/") {
				t.Fatalf("link %q to %q leads to %q", clean, target, to)
			}
		}
	})
}

// Whatever a tar says, only the folder that it is unpacked into changes.
func FuzzTarIn(f *testing.F) {
	if os.Geteuid() != 0 {
		f.Skip("needs root, to be a user")
	}
	f.Add([]byte(archive(f, folder("d", 0o755), file("d/f", "text", 0o644), link(tar.TypeSymlink, "l", "d"), file("l/g", "x", 0o600), link(tar.TypeLink, "h", "d/f"))))
	f.Add([]byte(archive(f, file("planted/x", "text", 0o644))))
	f.Add([]byte(archive(f, file(strings.Repeat("n", 150), "text", 0o644), link(tar.TypeSymlink, "up", ".."))))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := newFuzzEnv(t)
		defer os.RemoveAll(e.dir)
		out := e.makeDir("out", alice, 0o777)
		kept := e.make("out/kept", "kept", alice, 0o644)
		e.makeDir("in", alice, 0o755)
		e.symlink("../out", "in/planted", alice)
		rec := httptest.NewRecorder()
		mux := http.NewServeMux()
		e.h.Register(mux)
		mux.ServeHTTP(rec, httptest.NewRequest("PUT", "/v1/files/tar?path=in", bytes.NewReader(b)))
		e.is(kept, "kept", alice, 0o644)
		if got := e.names(e.dir); !slices.Equal(got, []string{"in", "out"}) {
			t.Fatalf("%q", got)
		}
		if got := e.names(out); !slices.Equal(got, []string{"kept"}) {
			t.Fatalf("%q", got)
		}
		filepath.Walk(filepath.Join(e.dir, "in"), func(p string, st os.FileInfo, err error) error {
			if err == nil && st.Mode()&(os.ModeSetuid|os.ModeSetgid|os.ModeDevice|os.ModeNamedPipe) != 0 {
				t.Fatalf("%s: %v", p, st.Mode())
			}
			if strings.HasSuffix(p, ".part") {
				t.Fatalf("left: %s", p)
			}
			return nil
		})
	})
}

func newFuzzEnv(t *testing.T) *env {
	e := &env{t: t, dir: scratch(t, "/dev/shm")}
	e.h = New(Options{Pool: pool(), WorkingDir: e.dir, User: fixedUser})
	return e
}

func TestDescriptorsAreNotLeaked(t *testing.T) {
	e := newEnv(t)
	e.makeDir("d/e/f", alice, 0o755)
	e.make("d/e/f/x", "x", alice, 0o644)
	e.makeDir("ro", 0, 0o755)
	e.symlink("d", "l", alice)
	good := archive(t, file("a/b/c", "x", 0o644), link(tar.TypeLink, "h", "a/b/c"), link(tar.TypeSymlink, "s", "a"), file("s/d", "", 0o644))
	bad := archive(t, file("a/b/c", "x", 0o644), file("../x", "x", 0o644))
	round := func() {
		for _, p := range []string{"d/e/f/x", "d", "none", "ro/x", "ro", "l/e/f/x", "d/e/f/x/y"} {
			e.get("/content", "path", p)
			e.put("/content", "x", "path", p)
			e.get("/stat", "path", p)
			e.get("/list", "path", p, "depth", "5")
			e.get("/tar", "path", p)
			e.do("POST", "/mkdir", nil, "path", p)
			e.do("DELETE", "", nil, "path", "ro", "recursive", "1")
		}
		e.put("/tar", good, "path", "t")
		e.put("/tar", bad, "path", "t")
		e.put("/tar", good, "path", "ro/t")
		e.do("DELETE", "", nil, "path", "t", "recursive", "1")
	}
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, x := range entries {
			// Connections come and go by themselves.
			if s, err := os.Readlink("/proc/self/fd/" + x.Name()); err == nil && strings.HasPrefix(s, e.dir) {
				n++
			}
		}
		return n
	}
	round()
	if n := open(); n != 0 {
		t.Errorf("%d files are still open", n)
	}
	if fd, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0); err == nil {
		if fd > 200 {
			t.Errorf("the next descriptor is %d", fd)
		}
		unix.Close(fd)
	}
}
