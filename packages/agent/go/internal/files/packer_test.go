package files

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that changes while it is read must not shift what comes after it.
func TestPackerCopesWithChangingFiles(t *testing.T) {
	for what, size := range map[string]int64{"shrinks": 100, "vanishes": 0, "grows": 9 * pieceSize} {
		t.Run(what, func(t *testing.T) {
			dir := scratch(t, "/tmp")
			const was = 4 * pieceSize
			path := filepath.Join(dir, "f")
			if err := os.WriteFile(path, bytes.Repeat([]byte("x"), was), 0o644); err != nil {
				t.Fatal(err)
			}
			p := newPacker()
			defer p.close()
			if err := p.open(path); err != nil {
				t.Fatal(err)
			}
			var all []byte
			for done, n := false, 0; !done; n++ {
				var err error
				if done, err = p.fill(); err != nil {
					t.Fatal(err)
				}
				all = append(all, p.out.Bytes()...)
				p.out.Reset()
				if n == 0 {
					if err := os.Truncate(path, size); err != nil {
						t.Fatal(err)
					}
				}
			}
			names, got := members(t, all)
			if len(names) != 1 || len(got["f"].text) != was {
				t.Errorf("%q, %d bytes", names, len(got["f"].text))
			}
			if rest := strings.TrimRight(got["f"].text, "\x00"); what != "grows" && len(rest) > 2*pieceSize {
				t.Errorf("%d bytes are not zero", len(rest))
			}
		})
	}
}
