package files

import (
	"math"
	"net/http"
	"strconv"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

// openRegular opens a regular file for reading, with the rights of the calling thread. It neither waits for a FIFO's
// other end nor touches a device.
func openRegular(dir int, name string, flags int) (fd int, st unix.Stat_t, err error) {
	statFlags := 0
	if flags&unix.O_NOFOLLOW != 0 {
		statFlags = unix.AT_SYMLINK_NOFOLLOW
	}
	// Before opening, since that alone can do something to a device; and after it, since it may be another by then.
	if err = again(func() error { return unix.Fstatat(dir, name, &st, statFlags) }); err != nil {
		return -1, st, err
	}
	if err = mustBeRegular(st.Mode); err != nil {
		return -1, st, err
	}
	if fd, err = openat(dir, name, unix.O_RDONLY|unix.O_NONBLOCK|flags, 0); err != nil {
		return -1, st, err
	}
	if st, err = fstat(fd); err == nil {
		err = mustBeRegular(st.Mode)
	}
	if err != nil {
		unix.Close(fd)
		return -1, st, err
	}
	return fd, st, nil
}

var (
	errFolder     = apierr.InvalidState("it is a folder")
	errNotRegular = apierr.InvalidState("it is no regular file")
)

func mustBeRegular(mode uint32) error {
	switch {
	case isRegular(mode):
		return nil
	case isDir(mode):
		return errFolder
	default:
		return errNotRegular
	}
}

func getContent(c *call) error {
	path, err := c.q.path("path")
	if err != nil {
		return err
	}
	off, err := c.q.size("offset", 0)
	if err != nil {
		return err
	}
	left, err := c.q.size("length", math.MaxInt64)
	if err != nil {
		return err
	}
	buf := getBuffer()
	defer putBuffer(buf)
	left = min(left, math.MaxInt64-off)

	fd, n := -1, 0
	var st unix.Stat_t
	first := (*buf)[:min(int64(len(*buf)), left)]
	err = c.do(func() (err error) {
		if fd, st, err = openRegular(unix.AT_FDCWD, path, 0); err != nil {
			return err
		}
		n, err = readAt(fd, first, off)
		return err
	})
	if fd >= 0 {
		defer unix.Close(fd)
	}
	if err != nil {
		return failed(err, "reading", path)
	}
	// No Content-Length: files of /proc say 0, and others may change while they are read.
	c.w.Header().Set("Content-Type", "application/octet-stream")
	c.w.Header().Set("podkit-size", strconv.FormatInt(st.Size, 10))
	c.w.WriteHeader(http.StatusOK)
	for {
		if err := c.send((*buf)[:n]); err != nil {
			return err
		}
		off, left = off+int64(n), left-int64(n)
		if n < len(*buf) || left == 0 {
			return nil
		}
		piece := (*buf)[:min(int64(len(*buf)), left)]
		if err := c.do(func() (err error) { n, err = readAt(fd, piece, off); return err }); err != nil {
			return failed(err, "reading", path)
		}
		if n == 0 {
			return nil
		}
	}
}
