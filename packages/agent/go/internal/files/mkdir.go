package files

import (
	"net/http"
	"strings"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

// newDirMode is what folders get that are made on the way.
const newDirMode = 0o755

// makeAll makes a folder and those above it, with the rights of the calling thread. What is there already is fine.
func makeAll(at int, path string, mode uint32) error {
	for end := 0; end < len(path); {
		// The next folder's end; leading and doubled slashes belong to what follows.
		for end < len(path) && path[end] == '/' {
			end++
		}
		if n := strings.IndexByte(path[end:], '/'); n >= 0 {
			end += n
		} else {
			end = len(path)
		}
		part := strings.TrimRight(path[:end], "/")
		if part == "" {
			continue
		}
		err := again(func() error { return unix.Mkdirat(at, part, mode) })
		if err == nil || err == unix.EEXIST {
			continue
		}
		// Some file systems say EROFS or EACCES before they look whether it is there.
		if st, e := statat(at, part); e != nil || !isDir(st.Mode) {
			return err
		}
	}
	return nil
}

func statat(at int, name string) (st unix.Stat_t, err error) {
	err = again(func() error { return unix.Fstatat(at, name, &st, 0) })
	return st, err
}

func mkdir(c *call) error {
	path, err := c.q.path("path")
	if err != nil {
		return err
	}
	mode, err := c.q.mode("mode", newDirMode)
	if err != nil {
		return err
	}
	parents, err := c.q.flag("parents", false)
	if err != nil {
		return err
	}
	var info FileInfo
	err = c.do(func() (err error) {
		if err = makeDir(strings.TrimSuffix(path, "/"), mode, parents); err == nil {
			info, err = infoAt(unix.AT_FDCWD, path, path, true)
		}
		return err
	})
	if err != nil {
		return failed(err, "making the folder", path)
	}
	apierr.JSON(c.w, http.StatusOK, info)
	return nil
}

func makeDir(path string, mode uint32, parents bool) error {
	if path == "" {
		path = "/"
	}
	err := again(func() error { return unix.Mkdir(path, mode) })
	if err == unix.ENOENT && parents {
		if n := strings.LastIndexByte(path, '/'); n > 0 {
			if err := makeAll(unix.AT_FDCWD, path[:n], newDirMode); err != nil {
				return err
			}
		}
		err = again(func() error { return unix.Mkdir(path, mode) })
	}
	if err == nil {
		// The umask is the container's affair; what was asked for is what is made.
		return unix.Fchmodat(unix.AT_FDCWD, path, mode, 0)
	}
	if parents {
		if st, e := statat(unix.AT_FDCWD, path); e == nil && isDir(st.Mode) {
			return nil
		}
	}
	return err
}
