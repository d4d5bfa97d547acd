package files

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTempWithAndWithoutAName(t *testing.T) {
	for what, fn := range map[string]func(int) (*temp, error){"unnamed": newTemp, "named": newNamedTemp} {
		t.Run(what, func(t *testing.T) {
			path := scratch(t, "/tmp")
			dir, err := openDir(unix.AT_FDCWD, path)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(dir)
			count := func() int {
				entries, _ := os.ReadDir(path)
				return len(entries)
			}
			for _, name := range []string{"new", "new"} { // the second time over what is there
				tmp, err := fn(dir)
				if err != nil {
					t.Fatal(err)
				}
				if err := writeAll(tmp.fd, []byte(what)); err != nil {
					t.Fatal(err)
				}
				if what == "unnamed" && tmp.name != "" {
					t.Errorf("it has the name %s", tmp.name)
				}
				if err := tmp.appear(name); err != nil {
					t.Fatal(err)
				}
				tmp.drop()
				if b, _ := os.ReadFile(filepath.Join(path, name)); string(b) != what || count() != 1 {
					t.Errorf("%q, %d names", b, count())
				}
			}
			tmp, err := fn(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := tmp.giveName(); err != nil || count() != 2 {
				t.Errorf("%v, %d names", err, count())
			}
			tmp.drop()
			if count() != 1 {
				t.Error("a dropped one stays")
			}
		})
	}
}
