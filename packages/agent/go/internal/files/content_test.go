package files

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPutThenGetAnyNameAndContent(t *testing.T) {
	e := newEnv(t)
	big := strings.Repeat("0123456789abcdef", pieceSize/16*2+1)
	contents := []string{"", "x", "a\x00\xff\xfe\r\nb", big, big[:pieceSize], big[:2*pieceSize]}
	names := []string{"plain", "with space", `q"uo'te`, "new\nline", "ünïcödé-日本", "-rf", "$(id);`id`", "bad\xff\xfeutf8", "a%2Fb", strings.Repeat("n", 255)}
	for n, name := range names {
		text := contents[n%len(contents)]
		path := "in/" + name
		info := e.put("/content", text, "path", path).info(t)
		if info.Size != int64(len(text)) || info.Type != "file" || info.UID != alice || info.Mode != 0o644 {
			t.Errorf("%q: %+v", name, info)
		}
		if info.Path != strings.ToValidUTF8(filepath.Join(e.dir, path), "\uFFFD\uFFFD") && n != 7 {
			t.Errorf("path %q", info.Path)
		}
		e.is(filepath.Join(e.dir, path), text, alice, 0o644)
		got := e.get("/content", "path", path).want(t, 200, "")
		if string(got.body) != text || got.header.Get("podkit-size") != fmt.Sprint(len(text)) {
			t.Errorf("%q: %d bytes back of %d, podkit-size %s", name, len(got.body), len(text), got.header.Get("podkit-size"))
		}
	}
}

func TestGetPart(t *testing.T) {
	e := newEnv(t)
	text := strings.Repeat("abcdefghij", pieceSize/5)
	e.make("f", text, alice, 0o644)
	for _, c := range [][2]int{{0, 0}, {0, 1}, {3, 4}, {pieceSize - 1, 2}, {0, pieceSize}, {1, pieceSize}, {5, 2 * pieceSize}, {len(text) - 1, 9}, {len(text), 9}, {len(text) + 9, 9}} {
		from, to := min(c[0], len(text)), min(c[0]+c[1], len(text))
		got := e.get("/content", "path", "f", "offset", fmt.Sprint(c[0]), "length", fmt.Sprint(c[1])).want(t, 200, "")
		if string(got.body) != text[from:to] || got.header.Get("podkit-size") != fmt.Sprint(len(text)) {
			t.Errorf("%v: %d bytes, want %d", c, len(got.body), to-from)
		}
	}
	if got := e.get("/content", "path", "f", "offset", "7"); string(got.body) != text[7:] {
		t.Errorf("offset alone: %d bytes", len(got.body))
	}
	if got := e.get("/content", "path", "/proc/self/status"); !bytes.HasPrefix(got.body, []byte("Name:")) {
		t.Errorf("a file of /proc, whose size is 0: %.40q", got.body)
	}
}

func TestNoWaitingForFIFOsAndNoDevices(t *testing.T) {
	e := newEnv(t)
	fifo := filepath.Join(e.dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	os.Chmod(fifo, 0o666)
	l, err := net.Listen("unix", filepath.Join(e.dir, "sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	os.Chmod(filepath.Join(e.dir, "sock"), 0o777)
	for _, p := range []string{"fifo", "sock", "/dev/null", "/dev/zero", "/dev/full", e.dir, "/"} {
		e.get("/content", "path", p).want(t, 409, "invalid_state")
		e.put("/content", "x", "path", p).want(t, 409, "invalid_state")
	}
	e.put("/content", "x", "path", "dir/").want(t, 409, "invalid_state")
}

func TestErrorsOfContent(t *testing.T) {
	e := newEnv(t)
	e.make("secret", "s", 0, 0o600)
	e.make("file", "s", 0, 0o644)
	e.makeDir("closed", 0, 0o700)
	e.makeDir("readonly", 0, 0o755)
	e.symlink("loop", "loop", alice)
	for _, c := range []struct {
		path, method string
		status       int
		code         string
	}{
		{"none", "GET", 404, "not_found"},
		{"secret", "GET", 403, "permission_denied"},
		{"secret", "PUT", 403, "permission_denied"},
		{"file", "PUT", 403, "permission_denied"}, // the folder is writable, the file is not
		{"closed/x", "GET", 403, "permission_denied"},
		{"closed/x", "PUT", 403, "permission_denied"},
		{"readonly/x", "PUT", 403, "permission_denied"},
		{"readonly/deep/x", "PUT", 403, "permission_denied"},
		{"file/x", "GET", 409, "invalid_state"},
		{"file/x", "PUT", 409, "invalid_state"},
		{"loop", "GET", 409, "invalid_state"},
		{"loop", "PUT", 409, "invalid_state"},
		{"nul\x00", "GET", 400, "invalid_argument"},
		{"nul\x00", "PUT", 400, "invalid_argument"},
		{"", "GET", 400, "invalid_argument"},
		{strings.Repeat("a/", 2049), "GET", 400, "invalid_argument"},
		{strings.Repeat("a", 256), "PUT", 400, "invalid_argument"},
	} {
		t.Run(c.method+" "+fmt.Sprintf("%.20q", c.path), func(t *testing.T) {
			e.do(c.method, "/content", strings.NewReader("new"), "path", c.path).want(t, c.status, c.code)
		})
	}
	e.is(filepath.Join(e.dir, "secret"), "s", 0, 0o600)
	e.is(filepath.Join(e.dir, "file"), "s", 0, 0o644)
	e.put("/content", "x", "path", "no/parents", "mkdirs", "0").want(t, 404, "not_found")
	e.get("/content", "path", "file", "offset", "-1").want(t, 400, "invalid_argument")
	e.get("/content", "path", "file", "user", "nosuchuser").want(t, 404, "not_found")
	e.put("/content", "x", "path", "file", "mode", "65536").want(t, 400, "invalid_argument")
	if got := e.names(e.dir); len(got) != 5 {
		t.Errorf("something was left: %q", got)
	}
}

func TestPutKeepsOwnerAndMode(t *testing.T) {
	e := newEnv(t)
	// Alice may write to it because anyone may; it stays bob's.
	p := e.make("bobs", "old", bob, 0o666)
	before, _ := os.Stat(p)
	info := e.put("/content", "new", "path", "bobs", "mode", "0o600").info(t)
	if info.UID != bob || info.Mode != 0o666 {
		t.Errorf("%+v", info)
	}
	e.is(p, "new", bob, 0o666)
	if after, _ := os.Stat(p); os.SameFile(before, after) {
		t.Error("it was written in place, so a reader may see a half")
	}
	p = e.make("mine", "old", alice, 0o751|os.ModeSetuid)
	e.put("/content", "new", "path", "mine").info(t)
	e.is(p, "new", alice, 0o751)
	p = filepath.Join(e.dir, "deep/er/new")
	e.put("/content", "new", "path", "deep/er/new", "mode", "416").info(t) // 0o640
	e.is(p, "new", alice, 0o640)
	for _, d := range []string{"deep", "deep/er"} {
		st, _ := os.Stat(filepath.Join(e.dir, d))
		if sys := st.Sys().(*syscall.Stat_t); sys.Uid != alice || sys.Gid != alice {
			t.Errorf("%s has owner %d:%d", d, sys.Uid, sys.Gid)
		}
	}
	e.put("/content", "r", "path", "byroot", "user", "0:0").info(t)
	e.is(filepath.Join(e.dir, "byroot"), "r", 0, 0o644)
}

func TestPutFollowsLinksWithTheUsersRights(t *testing.T) {
	e := newEnv(t)
	e.makeDir("a", alice, 0o755)
	target := e.make("a/target", "old", alice, 0o600)
	e.symlink("a/target", "link1", alice)
	e.symlink(filepath.Join(e.dir, "link1"), "link2", alice)
	e.put("/content", "new", "path", "link2").info(t)
	e.is(target, "new", alice, 0o600)
	if got, _ := os.Readlink(filepath.Join(e.dir, "link2")); got == "" {
		t.Error("the link itself was replaced")
	}
	e.symlink("b/c/none", "dangling", alice)
	e.put("/content", "made", "path", "dangling").info(t)
	e.is(filepath.Join(e.dir, "b/c/none"), "made", alice, 0o644)

	root := e.make("roots", "r", 0, 0o644)
	e.symlink(root, "toroot", alice)
	e.put("/content", "new", "path", "toroot").want(t, 403, "permission_denied")
	e.is(root, "r", 0, 0o644)

	// What alice planted in a folder like /tmp does not lead root.
	e.makeDir("tmp", 0, 0o777|os.ModeSticky)
	e.symlink(root, "tmp/x", alice)
	e.put("/content", "new", "path", "tmp/x", "user", "0:0").want(t, 403, "permission_denied")
	e.is(root, "r", 0, 0o644)
}

func TestPutInPlaceWhereTheNameIsProtected(t *testing.T) {
	e := newEnv(t)
	e.makeDir("ro", 0, 0o755)
	p := e.make("ro/f", strings.Repeat("old", 1000), alice, 0o640)
	text := strings.Repeat("n", pieceSize+5)
	e.put("/content", text, "path", "ro/f").info(t)
	e.is(p, text, alice, 0o640)
	e.makeDir("sticky", 0, 0o777|os.ModeSticky)
	p = e.make("sticky/f", "old", bob, 0o666)
	e.put("/content", "new", "path", "sticky/f").info(t)
	e.is(p, "new", bob, 0o666)

	mounted := e.make("mounted", "old", alice, 0o644)
	source := e.make("source", "old", alice, 0o644)
	if err := syscall.Mount(source, mounted, "", syscall.MS_BIND, ""); err != nil {
		t.Logf("no mounts here: %v", err)
	} else {
		defer syscall.Unmount(mounted, syscall.MNT_DETACH)
		e.put("/content", "new", "path", "mounted").info(t)
		e.is(source, "new", alice, 0o644)
	}
	for _, d := range []string{"ro", "sticky"} {
		if got := e.names(filepath.Join(e.dir, d)); len(got) != 1 {
			t.Errorf("left in %s: %q", d, got)
		}
	}
	if got := e.names(e.h.o.SpoolDir); len(got) != 0 {
		t.Errorf("left in the spool: %q", got)
	}
	if got := e.names(e.dir); len(got) != 4 {
		t.Errorf("left: %q", got)
	}
	e.h.o.SpoolDir = ""
	e.put("/content", "newer", "path", "ro/f").want(t, 403, "permission_denied")
	e.is(filepath.Join(e.dir, "ro/f"), text, alice, 0o640)
}

func TestCutBodyLeavesNothing(t *testing.T) {
	e := newEnv(t)
	old := e.make("old", "old", alice, 0o644)
	e.makeDir("ro", 0, 0o755)
	inPlace := e.make("ro/f", "old", alice, 0o644)
	for _, path := range []string{"new", "old", "ro/f"} {
		for _, head := range []string{"Content-Length: 1000000", "Transfer-Encoding: chunked"} {
			conn, err := net.Dial("tcp", e.srv.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			before := e.activity.Load()
			fmt.Fprintf(conn, "PUT /v1/files/content?path=%s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", url.QueryEscape(path), head)
			if strings.HasPrefix(head, "Transfer") {
				fmt.Fprintf(conn, "80000\r\n%s\r\n", strings.Repeat("x", 0x80000))
			} else {
				io.WriteString(conn, strings.Repeat("x", 600_000))
			}
			// It has begun to store before it is cut.
			eventually(t, "a piece has come", func() bool { return e.activity.Load() >= before+2 })
			conn.(*net.TCPConn).CloseWrite()
			if b, _ := io.ReadAll(conn); !bytes.Contains(b, []byte(" 400 ")) {
				t.Errorf("%s, %s: %.100q", path, head, b)
			}
			conn.Close()
		}
	}
	eventually(t, "all is cleaned up", func() bool { return len(e.names(e.dir)) == 2 && len(e.names(filepath.Join(e.dir, "ro"))) == 1 })
	e.is(old, "old", alice, 0o644)
	e.is(inPlace, "old", alice, 0o644)
	if got := e.names(e.h.o.SpoolDir); len(got) != 0 {
		t.Errorf("left in the spool: %q", got)
	}
}

func TestFullDiskIsTyped(t *testing.T) {
	e := newEnv(t)
	small := e.makeDir("small", alice, 0o777)
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=1m,mode=777"); err != nil {
		t.Skipf("no mounts here: %v", err)
	}
	defer syscall.Unmount(small, syscall.MNT_DETACH)
	e.put("/content", "kept", "path", "small/f").info(t)
	text := strings.Repeat("x", 2<<20)
	e.put("/content", text, "path", "small/f").want(t, 507, "resource_exhausted")
	e.put("/content", text, "path", "small/g").want(t, 507, "resource_exhausted")
	if got := e.get("/content", "path", "small/f"); string(got.body) != "kept" {
		t.Errorf("%.20q", got.body)
	}
	if got := e.names(small); len(got) != 1 {
		t.Errorf("left: %q", got)
	}
	if err := syscall.Mount("", small, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	e.put("/content", "x", "path", "small/f").want(t, 403, "permission_denied")
	e.put("/content", "x", "path", "small/h").want(t, 403, "permission_denied")
}
