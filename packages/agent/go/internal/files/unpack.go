package files

import (
	"archive/tar"
	"io"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

const (
	// Both leave out setuid and setgid.
	fileModeMask = 0o777
	dirModeMask  = 0o1777
	// maxClosedDirs bounds the folders whose mode must wait for the end.
	maxClosedDirs = 10_000
)

func (u *unpacker) folder(name string, h *tar.Header) error {
	if name == "" {
		return nil // `./`: the folder itself, which keeps its mode
	}
	dir, last := parent(name)
	mode := uint32(h.Mode) & dirModeMask
	made := false
	err := u.c.do(func() error {
		at, err := u.tree.dir(dir, true)
		if err != nil {
			return err
		}
		err = again(func() error { return unix.Mkdirat(at, last, 0o700) })
		if err == unix.EEXIST {
			// A folder, or a link to one inside: as it is. Anything else has to go.
			if _, err := u.tree.dir(name, false); err == nil {
				return nil
			}
			if at, err = u.tree.dir(dir, true); err != nil {
				return err
			}
			if err := again(func() error { return unix.Unlinkat(at, last, 0) }); err != nil {
				return err
			}
			err = again(func() error { return unix.Mkdirat(at, last, 0o700) })
		}
		if err != nil {
			return err
		}
		made = true
		return chmodDir(at, last, mode|0o700)
	})
	if err == nil && made && mode&0o700 != 0o700 {
		if len(u.closed) >= maxClosedDirs {
			return apierr.ResourceExhausted("the tar has more than %d folders that their owner may not write to", maxClosedDirs)
		}
		u.closed = append(u.closed, closedDir{name: name, mode: mode})
	}
	return err
}

// chmodDir changes a folder's mode, and never that of what a symbolic link in its place points to.
func chmodDir(at int, name string, mode uint32) error {
	fd, err := openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return again(func() error { return unix.Fchmod(fd, mode) })
}

// closeDirs gives folders their own modes, the inner ones first since they cannot be reached afterwards.
func (u *unpacker) closeDirs() error {
	for n := len(u.closed) - 1; n >= 0; n-- {
		d := u.closed[n]
		err := u.c.do(func() error {
			dir, last := parent(d.name)
			at, err := u.tree.dir(dir, false)
			if err != nil {
				return err
			}
			return chmodDir(at, last, d.mode)
		})
		if err != nil {
			return failed(err, "entry", d.name)
		}
	}
	return nil
}

// file writes one file. A small one costs one change of threads.
func (u *unpacker) file(name string, h *tar.Header, body io.Reader) error {
	if name == "" {
		return apierr.InvalidArgument("a file in the tar has no name")
	}
	buf := getBuffer()
	defer putBuffer(buf)
	dir, last := parent(name)
	var t *temp
	defer func() {
		if t != nil {
			u.c.cleanup(t.drop)
		}
	}()
	for end := false; !end; {
		var n int
		var err error
		if n, end, err = fill(body, *buf); err != nil {
			return err
		}
		u.c.h.o.Activity()
		err = u.c.do(func() error {
			if t == nil {
				at, err := u.tree.dir(dir, true)
				if err != nil {
					return err
				}
				if t, err = newTemp(at); err != nil {
					return err
				}
			}
			err := writeAll(t.fd, (*buf)[:n])
			if err != nil || !end {
				return err
			}
			if err = finish(t, last, h); err == nil {
				// Here and not in the deferred clean-up, which would be a change of threads of its own.
				t.drop()
				t = nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func finish(t *temp, name string, h *tar.Header) error {
	if err := unix.Fchmod(t.fd, uint32(h.Mode)&fileModeMask); err != nil {
		return err
	}
	if !h.ModTime.IsZero() {
		ts := unix.Timespec{Sec: h.ModTime.Unix(), Nsec: int64(h.ModTime.Nanosecond())}
		// A time that the file system cannot keep is no reason to fail.
		setTimes(t.fd, ts)
	}
	return t.appear(name)
}
