package users

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"podkit.dev/agent/internal/apierr"
)

const passwd = `# comment:x:1:1
root:x:0:0:root:/root:/bin/bash
broken
alsobroken:x:abc:1::/:/bin/sh
minus:x:4294967295:0::/:/bin/sh
alice:x:1000:1001:Alice,,,:/home/alice:/bin/zsh
short:x:7:8
1000:x:55:55:named like a number:/n:/bin/sh
odd:x:1002:1002::relative:also
alice:x:0:0:second entry:/evil:/bin/sh
`

const group = `root:x:0:
daemon:x:1:alice
users:x:100:bob, alice ,carol
wheel:x:10:alicex,xalice
alice:x:1001:
again:x:100:alice
bad:x:-1:alice
`

func image(t testing.TB, passwd, group string) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"passwd": passwd, "group": group} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestResolve(t *testing.T) {
	root := image(t, passwd, group)
	alice := Identity{UID: 1000, GID: 1001, Groups: []uint32{1001, 1, 100}, Name: "alice", Home: "/home/alice", Shell: "/bin/zsh"}
	with := func(gid uint32) Identity {
		i := alice
		i.GID, i.Groups = gid, []uint32{gid}
		return i
	}
	cases := map[string]Identity{
		"alice":        alice,
		"1000":         alice,
		"alice:daemon": with(1),
		"alice:5":      with(5),
		"1000:users":   with(100),
		"1000:0":       with(0),
		"root":         {UID: 0, GID: 0, Groups: []uint32{0}, Name: "root", Home: "/root", Shell: "/bin/bash"},
		"4242":         {UID: 4242, GID: 0, Groups: []uint32{0}, Name: "4242", Home: "/", Shell: "/bin/sh"},
		"4294967294":   {UID: 4294967294, GID: 0, Groups: []uint32{0}, Name: "4294967294", Home: "/", Shell: "/bin/sh"},
		"short":        {UID: 7, GID: 8, Groups: []uint32{8}, Name: "short", Home: "/", Shell: "/bin/sh"},
		"odd":          {UID: 1002, GID: 1002, Groups: []uint32{1002}, Name: "odd", Home: "/", Shell: "/bin/sh"},
	}
	for spec, want := range cases {
		got, err := Resolve(spec, root)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", spec, got, err, want)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	root := image(t, passwd, group)
	cases := map[string]apierr.Code{
		"":                        apierr.CodeInvalidArgument,
		":":                       apierr.CodeInvalidArgument,
		":0":                      apierr.CodeInvalidArgument,
		"alice:":                  apierr.CodeInvalidArgument,
		"a:b:c":                   apierr.CodeInvalidArgument,
		"al\nice":                 apierr.CodeInvalidArgument,
		"al\x00ice":               apierr.CodeInvalidArgument,
		"4294967295":              apierr.CodeInvalidArgument,
		"1000:4294967295":         apierr.CodeInvalidArgument,
		"99999999999999999999999": apierr.CodeInvalidArgument,
		strings.Repeat("a", 300):  apierr.CodeInvalidArgument,
		"-1":                      apierr.CodeNotFound,
		"nosuch":                  apierr.CodeNotFound,
		"broken":                  apierr.CodeNotFound,
		"alsobroken":              apierr.CodeNotFound,
		"minus":                   apierr.CodeNotFound,
		"alice:nosuch":            apierr.CodeNotFound,
		"alice:bad":               apierr.CodeNotFound,
	}
	for spec, want := range cases {
		if got, err := Resolve(spec, root); !apierr.Is(err, want) {
			t.Errorf("%q: %+v, %v; want %s", spec, got, err, want)
		}
	}
}

func TestImageWithoutFiles(t *testing.T) {
	root := t.TempDir()
	if got, err := Resolve("12:34", root); err != nil || got.UID != 12 || got.GID != 34 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Resolve("root", root); !apierr.Is(err, apierr.CodeNotFound) {
		t.Errorf("a name: %v", err)
	}
}

func TestHostileFiles(t *testing.T) {
	root := image(t, "", "")
	etc := filepath.Join(root, "etc")
	// A FIFO nobody writes to must not hold the caller, and an endless device must not be read.
	if err := syscall.Mkfifo(filepath.Join(etc, "passwd"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(etc, "group")); err != nil {
		t.Fatal(err)
	}
	if got, err := Resolve("1", root); err != nil || got.UID != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Resolve("1:somebody", root); !apierr.Is(err, apierr.CodeNotFound) {
		t.Errorf("%v", err)
	}
}

func TestLongLinesAndFilesAreBounded(t *testing.T) {
	long := "long:x:1:1:" + strings.Repeat("g", maxLine) + ":/:/bin/sh\n"
	var far strings.Builder
	for far.Len() < maxFile {
		fmt.Fprintf(&far, "u%d:x:5:5::/:/bin/sh\n", far.Len())
	}
	root := image(t, long+"after:x:2:2::/:/bin/sh\n"+far.String()+"last:x:3:3::/:/bin/sh\n", "")
	if _, err := Resolve("long", root); !apierr.Is(err, apierr.CodeNotFound) {
		t.Errorf("long: %v", err)
	}
	if got, err := Resolve("after", root); err != nil || got.UID != 2 {
		t.Errorf("after a long line: %+v, %v", got, err)
	}
	if _, err := Resolve("last", root); !apierr.Is(err, apierr.CodeNotFound) {
		t.Errorf("last: %v", err)
	}
}

func TestSelf(t *testing.T) {
	got := Self("/")
	if int(got.UID) != os.Geteuid() || int(got.GID) != os.Getegid() || len(got.Groups) == 0 || got.Name == "" {
		t.Errorf("%+v", got)
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("alice", passwd, group)
	f.Add("1000:users", passwd, group)
	f.Add("a", "a:::::::::", "a:x:1:a,a,,")
	f.Fuzz(func(t *testing.T, spec, passwd, group string) {
		var users []Identity
		scan(strings.NewReader(passwd), func(l string) bool {
			if id, ok := parsePasswd(l); ok {
				users = append(users, id)
			}
			return true
		})
		scan(strings.NewReader(group), func(l string) bool {
			if g, ok := parseGroup(l); ok && (g.gid > maxID || strings.ContainsAny(g.name, ":\n\x00")) {
				t.Fatalf("group %+v", g)
			}
			return true
		})
		for _, u := range users {
			if u.UID > maxID || u.GID > maxID || !strings.HasPrefix(u.Home, "/") || strings.ContainsAny(u.Home+u.Shell+u.Name, "\n\x00") {
				t.Fatalf("user %+v", u)
			}
		}
		if u, g, has, err := split(spec); err == nil && (u == "" || strings.Contains(u+g, ":") || has != strings.Contains(spec, ":")) {
			t.Fatalf("split(%q) = %q, %q, %v", spec, u, g, has)
		}
	})
}
