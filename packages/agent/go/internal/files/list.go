package files

import (
	"context"
	"net/http"
	"sort"
	"strings"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

const (
	maxListLimit = 100_000
	maxListDepth = 1000
	// maxOpenLevels is how deep a listing really goes, whatever was asked for: each level holds a descriptor.
	maxOpenLevels = 256
	// maxNames bounds the names of one folder that are held to be sorted.
	maxNames = 200_000
	// maxListBytes keeps the answer below the protocol's 16 MiB.
	maxListBytes = 15 << 20
)

// Listing is the answer to a list.
type Listing struct {
	Entries   []FileInfo `json:"entries"`
	Truncated bool       `json:"truncated"`
}

// list gives what is in a folder, and down to `depth` in those below. Symbolic links are listed and not followed, but for
// `path` itself. Folders below it that the user may not read are listed as empty.
func list(c *call) error {
	path, err := c.q.path("path")
	if err != nil {
		return err
	}
	depth, err := c.q.number("depth", 1, 1, maxListDepth)
	if err != nil {
		return err
	}
	limit, err := c.q.number("limit", 10_000, 1, maxListLimit)
	if err != nil {
		return err
	}
	l := &lister{ctx: c.r.Context(), limit: int(limit), out: Listing{Entries: []FileInfo{}}}
	err = c.do(func() error {
		d, err := openReader(unix.AT_FDCWD, path, true)
		if err != nil {
			return err
		}
		defer d.close()
		return l.walk(d, strings.TrimSuffix(shown(path), "/"), int(depth), maxOpenLevels)
	})
	if err != nil {
		return failed(err, "listing", path)
	}
	// The walk is sorted by folder; "a.b" comes before "a/b" by path.
	sort.Slice(l.out.Entries, func(i, j int) bool { return l.out.Entries[i].Path < l.out.Entries[j].Path })
	apierr.JSON(c.w, http.StatusOK, l.out)
	return nil
}

type lister struct {
	ctx   context.Context
	limit int
	bytes int
	full  bool
	out   Listing
}

func (l *lister) walk(d *dirReader, path string, depth, levels int) error {
	names, err := l.names(d)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := l.ctx.Err(); err != nil {
			return err
		}
		full := path + "/" + name
		info, err := infoAt(d.fd, name, full, false)
		if err != nil {
			continue // gone since
		}
		if !l.add(info) {
			return nil
		}
		if info.Type != "directory" || depth <= 1 {
			continue
		}
		if levels <= 1 {
			l.out.Truncated = true
			continue
		}
		below, err := openReader(d.fd, name, false)
		if err != nil {
			continue // gone, or not for this user
		}
		err = l.walk(below, full, depth-1, levels-1)
		below.close()
		if err != nil || l.full {
			return err
		}
	}
	return nil
}

// names gives a folder's names, sorted, so that what a limit cuts is the same each time.
func (l *lister) names(d *dirReader) ([]string, error) {
	var all []string
	for {
		some, err := d.next()
		if err != nil {
			return nil, err
		}
		if len(some) == 0 {
			break
		}
		all = append(all, some...)
		if len(all) > maxNames {
			l.out.Truncated = true
			break
		}
	}
	sort.Strings(all)
	return all, nil
}

func (l *lister) add(info FileInfo) bool {
	// 200 is more than the fields' names and numbers can have.
	l.bytes += 200 + jsonLen(info.Path) + jsonLen(info.Name) + jsonLen(info.Target)
	if len(l.out.Entries) >= l.limit || l.bytes > maxListBytes {
		l.out.Truncated, l.full = true, true
		return false
	}
	l.out.Entries = append(l.out.Entries, info)
	return true
}

// jsonLen is at least what a string has in JSON: a control character has six bytes there, an invalid one three.
func jsonLen(s string) int {
	n := 0
	for i := range len(s) {
		switch b := s[i]; {
		case b < ' ' || b == '"' || b == '\\' || b == 0x7f:
			n += 6
		case b >= 0x80:
			n += 3
		default:
			n++
		}
	}
	return n
}
