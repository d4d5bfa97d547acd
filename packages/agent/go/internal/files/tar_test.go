package files

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"
)

type member struct {
	tar.Header
	text string
}

func file(name, text string, mode int64) member {
	return member{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(text)), ModTime: time.Unix(1e9, 0)}, text}
}

func link(kind byte, name, target string) member {
	return member{tar.Header{Typeflag: kind, Name: name, Linkname: target, Mode: 0o777}, ""}
}

func folder(name string, mode int64) member {
	return member{tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode}, ""}
}

func archive(t testing.TB, members ...member) string {
	t.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for _, m := range members {
		if err := tw.WriteHeader(&m.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, m.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func TestTarIn(t *testing.T) {
	e := newEnv(t)
	big := strings.Repeat("b", 2*pieceSize+7)
	long := strings.Repeat("l", 200) + "/" + strings.Repeat("m", 200)
	e.put("/tar", archive(t,
		folder("./", 0o700),
		folder("ro/", 0o555),
		file("ro/inside", "i", 0o6755),
		file("./a/b/c", "abc", 0o600),
		file("big", big, 0o644),
		file("empty", "", 0),
		file(long, "long", 0o644),
		file("ünï\nx", "u", 0o644),
		link(tar.TypeSymlink, "a/link", "../big"),
		link(tar.TypeSymlink, "dirlink", "a/b"),
		file("dirlink/through", "t", 0o644),
		link(tar.TypeLink, "hard", "a/b/c"),
		folder("suid", 0o7777),
		file("twice", "1", 0o644),
		file("twice", "22", 0o600),
	), "path", "new/dest").want(t, 204, "")
	at := func(n string) string { return filepath.Join(e.dir, "new/dest", n) }
	e.is(at("ro/inside"), "i", alice, 0o755)
	e.is(at("a/b/c"), "abc", alice, 0o600)
	e.is(at("big"), big, alice, 0o644)
	e.is(at("empty"), "", alice, 0)
	e.is(at(long), "long", alice, 0o644)
	e.is(at("ünï\nx"), "u", alice, 0o644)
	e.is(at("a/b/through"), "t", alice, 0o644)
	e.is(at("hard"), "abc", alice, 0o600)
	e.is(at("twice"), "22", alice, 0o600)
	if st, err := os.Stat(at("ro")); err != nil || st.Mode().Perm() != 0o555 {
		t.Errorf("ro: %v %v", st.Mode(), err)
	}
	if st, err := os.Stat(at("suid")); err != nil || st.Mode() != os.ModeDir|os.ModeSticky|0o777 {
		t.Errorf("suid: %v %v", st.Mode(), err)
	}
	if st, err := os.Stat(at("a/b/c")); err != nil || st.ModTime().Unix() != 1e9 {
		t.Errorf("mtime: %v %v", st.ModTime(), err)
	}
	if st, err := os.Stat(at("")); err != nil || st.Mode().Perm() != 0o755 || st.Sys().(*syscall.Stat_t).Uid != alice {
		t.Errorf("the folder itself: %v %v", st.Mode(), err)
	}
	if s, err := os.Readlink(at("a/link")); s != "../big" {
		t.Errorf("link: %q %v", s, err)
	}
}

func TestTarInNeverLeaves(t *testing.T) {
	for _, c := range []struct {
		what    string
		members []member
		status  int
	}{
		{"..", []member{file("../out/evil", "x", 0o644)}, 400},
		{".. inside", []member{file("a/../../out/evil", "x", 0o644)}, 400},
		{".. that stays", []member{file("a/../b", "x", 0o644)}, 400},
		{"absolute", []member{file("/tmp/evil", "x", 0o644)}, 400},
		{"link out", []member{link(tar.TypeSymlink, "l", "../out")}, 400},
		{"absolute link", []member{link(tar.TypeSymlink, "l", "/tmp")}, 400},
		{"empty link", []member{link(tar.TypeSymlink, "l", "")}, 400},
		{"links that add up", []member{folder("a/b", 0o755), link(tar.TypeSymlink, "up", "a/b"), link(tar.TypeSymlink, "a/b/x", "../.."), link(tar.TypeSymlink, "y", "up/x/../out"), file("y/evil", "x", 0o644)}, 400},
		{"planted link", []member{file("planted/evil", "x", 0o644)}, 400},
		{"planted absolute link", []member{file("plantedabs/evil", "x", 0o644)}, 400},
		{"planted link, folder", []member{folder("planted/evil", 0o755)}, 400},
		{"planted link, symlink", []member{link(tar.TypeSymlink, "planted/evil", "x")}, 400},
		{"planted link, hard link from", []member{link(tar.TypeLink, "mine", "planted/kept")}, 400},
		{"planted link, hard link to", []member{file("f", "x", 0o644), link(tar.TypeLink, "planted/evil", "f")}, 400},
		{"hard link out", []member{link(tar.TypeLink, "mine", "../out/kept")}, 400},
		{"hard link absolute", []member{link(tar.TypeLink, "mine", "/etc/passwd")}, 400},
		{"hard link to a link", []member{link(tar.TypeLink, "mine", "filelink")}, 400},
		{"link in the way is replaced", []member{file("filelink", "x", 0o644)}, 204},
		{"folder over a link out", []member{folder("planted", 0o755), file("planted/evil", "x", 0o644)}, 204},
		{"loop", []member{link(tar.TypeSymlink, "l", "l"), file("l/x", "x", 0o644)}, 409},
		{"device", []member{{tar.Header{Typeflag: tar.TypeChar, Name: "dev", Devmajor: 1, Devminor: 3}, ""}}, 400},
		{"block device", []member{{tar.Header{Typeflag: tar.TypeBlock, Name: "dev"}, ""}}, 400},
		{"fifo", []member{{tar.Header{Typeflag: tar.TypeFifo, Name: "fifo"}, ""}}, 400},
		{"long part", []member{file(strings.Repeat("a", 256), "", 0o644)}, 400},
		{"long name", []member{file(strings.Repeat("a/", 2100)+"x", "", 0o644)}, 400},
		{"deep name", []member{file(strings.Repeat("a/", 300)+"x", "", 0o644)}, 400},
		{"file over folder", []member{folder("d", 0o755), file("d", "x", 0o644)}, 409},
		{"file as folder", []member{file("f", "x", 0o644), file("f/g", "x", 0o644)}, 409},
		{"nameless file", []member{file(".", "x", 0o644)}, 400},
	} {
		t.Run(c.what, func(t *testing.T) {
			e := newEnv(t)
			e.makeDir("in", alice, 0o755)
			out := e.makeDir("out", alice, 0o777)
			kept := e.make("out/kept", "kept", alice, 0o644)
			e.symlink("../out", "in/planted", alice)
			e.symlink(out, "in/plantedabs", alice)
			e.symlink("../out/kept", "in/filelink", alice)
			a := e.put("/tar", archive(t, c.members...), "path", "in")
			if a.status != c.status {
				t.Errorf("status %d: %s", a.status, a.body)
			}
			e.is(kept, "kept", alice, 0o644)
			if got := e.names(out); !slices.Equal(got, []string{"kept"}) {
				t.Errorf("outside: %q", got)
			}
			if st, _ := os.Stat(kept); st.Sys().(*syscall.Stat_t).Nlink != 1 {
				t.Error("it was linked to")
			}
		})
	}
}

func TestTarInErrors(t *testing.T) {
	e := newEnv(t)
	e.put("/tar", "this is no tar, but it is long enough to be one"+strings.Repeat("x", 1000), "path", "x").want(t, 400, "invalid_argument")
	e.put("/tar", "", "path", "x").want(t, 204, "")
	whole := archive(t, file("f", strings.Repeat("x", 5000), 0o644), file("g", "y", 0o644))
	e.put("/tar", whole[:3000], "path", "x").want(t, 400, "invalid_argument")
	if got := e.names(filepath.Join(e.dir, "x")); len(got) != 0 {
		t.Errorf("half a file: %q", got)
	}
	e.put("/tar", whole+strings.Repeat("\x00", maxTarTail+2000), "path", "x").want(t, 400, "invalid_argument")
	e.makeDir("ro", 0, 0o755)
	e.put("/tar", whole, "path", "ro").want(t, 403, "permission_denied")
	e.put("/tar", whole, "path", "ro/new").want(t, 403, "permission_denied")
	e.make("file", "", alice, 0o644)
	e.put("/tar", whole, "path", "file").want(t, 409, "invalid_state")
	sparse := member{tar.Header{Typeflag: tar.TypeReg, Name: "s", Size: 512, Mode: 0o644}, strings.Repeat("x", 512)}
	s := []byte(archive(t, sparse))
	s[156] = tar.TypeGNUSparse
	copy(s[257:], "ustar  \x00")
	e.put("/tar", string(fixChecksum(s)), "path", "x").want(t, 501, "unsupported")
}

func fixChecksum(b []byte) []byte {
	copy(b[148:156], "        ")
	sum := 0
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

// members reads a tar to its end.
func members(t *testing.T, b []byte) (names []string, byName map[string]member) {
	t.Helper()
	byName = map[string]member{}
	for tr := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := tr.Next()
		if err == io.EOF {
			sort.Strings(names)
			return names, byName
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		byName[h.Name] = member{*h, string(text)}
	}
}

func TestTarOut(t *testing.T) {
	e := newEnv(t)
	e.makeDir("d/sub/empty", bob, 0o705)
	e.own(filepath.Join(e.dir, "d/sub"), bob, 0o755)
	big := strings.Repeat("0123456789", pieceSize/4)
	long := strings.Repeat("l", 150) + "é"
	e.make("d/big", big, bob, 0o640)
	e.own(filepath.Join(e.dir, "d/big"), alice, 0o640)
	e.make("d/sub/"+long, "long", alice, 0o644)
	e.make("d/empty", "", alice, 0o600)
	e.symlink("/etc", "d/link", alice)
	e.symlink("nowhere", "d/broken", alice)
	if err := syscall.Mkfifo(filepath.Join(e.dir, "d/fifo"), 0o666); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(e.dir, "d/sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	e.symlink("d", "todir", alice)
	for _, path := range []string{"d", "todir", "d/"} {
		a := e.get("/tar", "path", path).want(t, 200, "")
		names, got := members(t, a.body)
		want := []string{"big", "broken", "empty", "link", "sub/", "sub/" + long, "sub/empty/"}
		sort.Strings(want)
		if !slices.Equal(names, want) {
			t.Errorf("%s: %q", path, names)
		}
		if m := got["big"]; m.text != big || m.Uid != alice || m.Mode != 0o640 {
			t.Errorf("big: %d bytes, %+v", len(m.text), m.Header)
		}
		if m := got["link"]; m.Typeflag != tar.TypeSymlink || m.Linkname != "/etc" {
			t.Errorf("link: %+v", m.Header)
		}
		if got["sub/"+long].text != "long" || got["sub/empty/"].Mode != 0o705 || got["sub/empty/"].Uid != bob {
			t.Errorf("%+v", got["sub/empty/"].Header)
		}
	}
	names, got := members(t, e.get("/tar", "path", "d/big").body)
	if !slices.Equal(names, []string{"big"}) || got["big"].text != big {
		t.Errorf("one file: %q", names)
	}
	e.get("/tar", "path", "none").want(t, 404, "not_found")
	e.get("/tar", "path", "d/fifo").want(t, 409, "invalid_state")
	e.get("/tar", "path", "d/big/").want(t, 409, "invalid_state")
	e.makeDir("closed", 0, 0o700)
	e.get("/tar", "path", "closed").want(t, 403, "permission_denied")
	e.makeDir("part", alice, 0o755)
	e.make("part/closed", "", 0, 0o600)
	e.get("/tar", "path", "part").want(t, 403, "permission_denied")
	// And in again.
	e.put("/tar", string(e.get("/tar", "path", "d/sub").body), "path", "copy").want(t, 204, "")
	e.is(filepath.Join(e.dir, "copy", long), "long", alice, 0o644)
}
