package files

import (
	"context"
	"net/http"
	"strings"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

func remove(c *call) error {
	path, err := c.q.path("path")
	if err != nil {
		return err
	}
	recursive, err := c.q.flag("recursive", false)
	if err != nil {
		return err
	}
	dir, name, ok := split(strings.TrimRight(path, "/"))
	if !ok {
		return apierr.InvalidArgument("%s cannot be removed", shown(path))
	}
	err = c.do(func() error {
		at, err := openDir(unix.AT_FDCWD, dir)
		if err != nil {
			return err
		}
		defer unix.Close(at)
		err = removeOne(at, name)
		if recursive && isErrno(err, unix.ENOTEMPTY, unix.EEXIST) {
			return removeTree(c.r.Context(), at, name)
		}
		return err
	})
	if err != nil {
		return failed(err, "removing", path)
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// removeOne removes a file, a symbolic link itself, or an empty folder.
func removeOne(dir int, name string) error {
	err := again(func() error { return unix.Unlinkat(dir, name, 0) })
	if !isErrno(err, unix.EISDIR, unix.EPERM) {
		return err
	}
	// EPERM is what POSIX has for folders here, and also a true refusal; rmdir tells them apart.
	if e := again(func() error { return unix.Unlinkat(dir, name, unix.AT_REMOVEDIR) }); e != unix.ENOTDIR {
		return e
	}
	return err
}

// above is a folder on the way down.
type above struct {
	name     string // of the folder below it that is being emptied
	dev, ino uint64
}

// removeTree removes a folder and all in it without following symbolic links. It holds one folder open at a time, however
// deep the tree is, and climbs by `..`; that it then is where it was before is checked, since somebody may move folders
// about meanwhile.
func removeTree(ctx context.Context, at int, name string) error {
	cur, err := openReader(at, name, false)
	if err != nil {
		return err
	}
	defer func() { cur.close() }()
	var way []above
	// Somebody may fill folders as fast as they are emptied; each time that a folder is not empty at its end costs one.
	patience := 1000
	for {
		down, err := empty(ctx, cur)
		if err != nil {
			return err
		}
		if down != "" {
			st, err := fstat(cur.fd)
			if err != nil {
				return err
			}
			below, err := openReader(cur.fd, down, false)
			if isErrno(err, unix.ENOENT, unix.ENOTDIR) {
				continue // gone or replaced since
			}
			if err != nil {
				return err
			}
			way = append(way, above{name: down, dev: st.Dev, ino: st.Ino})
			cur.close()
			cur = below
			continue
		}
		if len(way) == 0 {
			err := removeOne(at, name)
			if !refilled(err, &patience) {
				return err
			}
			continue
		}
		up := way[len(way)-1]
		way = way[:len(way)-1]
		parent, err := climb(cur, up)
		if err != nil {
			return err
		}
		cur.close()
		cur = parent
		err = removeOne(cur.fd, up.name)
		if err != nil && !isErrno(err, unix.ENOENT) && !refilled(err, &patience) {
			return err
		}
	}
}

// refilled says whether a folder that was empty is not so any more, and may be tried again.
func refilled(err error, patience *int) bool {
	if !isErrno(err, unix.ENOTEMPTY, unix.EEXIST) {
		return false
	}
	*patience--
	return *patience > 0
}

func climb(from *dirReader, to above) (*dirReader, error) {
	parent, err := openReader(from.fd, "..", false)
	if err != nil {
		return nil, err
	}
	st, err := fstat(parent.fd)
	if err == nil && (st.Dev != to.dev || st.Ino != to.ino) {
		err = apierr.InvalidState("a folder in it was moved away meanwhile")
	}
	if err != nil {
		parent.close()
		return nil, err
	}
	return parent, nil
}

// empty removes what it can in a folder, and gives the name of a folder in it that must be emptied first.
func empty(ctx context.Context, d *dirReader) (down string, err error) {
	// From the start until nothing is left: removing while reading may pass over names on some file systems.
	for {
		if err := d.rewind(); err != nil {
			return "", err
		}
		names, err := d.next()
		if err != nil || len(names) == 0 {
			return "", err
		}
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return "", err
			}
			err := removeOne(d.fd, name)
			if isErrno(err, unix.ENOTEMPTY, unix.EEXIST) {
				return name, nil
			}
			if err != nil && !isErrno(err, unix.ENOENT) {
				return "", err
			}
		}
	}
}
