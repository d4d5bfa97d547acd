package files

import (
	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

// isProtected: in a sticky folder (/tmp) only the owners of file and folder may replace a file.
func (u *upload) isProtected() bool {
	p, uid := u.place, u.c.id.UID
	return p.st != nil && p.dirMode&unix.S_ISVTX != 0 && uid != 0 && p.st.Uid != uid && p.dirUID != uid
}

// spool makes the temporary file in the agent's own folder.
func (u *upload) spool() error {
	if u.c.h.o.SpoolDir == "" {
		return apierr.PermissionDenied("the folder is not writable for user %s, so the file cannot be replaced as a whole", u.c.id.Name)
	}
	return u.c.doSelf(func() (err error) {
		if u.spoolDir, err = openDir(unix.AT_FDCWD, u.c.h.o.SpoolDir); err == nil {
			u.temp, err = newTemp(u.spoolDir)
		}
		return err
	})
}

// receive stores the body.
func (u *upload) receive() error {
	buf := getBuffer()
	defer putBuffer(buf)
	for {
		n, end, err := fill(u.c.r.Body, *buf)
		if err != nil {
			return err
		}
		u.c.h.o.Activity()
		if n > 0 {
			// With the user's rights too: quotas, and blocks that are kept for root, go by them.
			if err := u.c.do(func() error { return writeAll(u.temp.fd, (*buf)[:n]) }); err != nil {
				return err
			}
		}
		if end {
			return nil
		}
	}
}

// replace puts the new file in the old one's place.
func (u *upload) replace() error {
	old := u.place.st
	mode := u.mode
	if old != nil {
		mode = old.Mode & 0o1777
	}
	var now unix.Stat_t
	err := u.c.do(func() (err error) {
		if err = unix.Fchmod(u.temp.fd, mode); err != nil {
			return err
		}
		if now, err = fstat(u.temp.fd); err != nil {
			return err
		}
		if old == nil {
			return u.temp.appear(u.place.name)
		}
		// A name while it still is the user's: a file of others may not be linked (fs.protected_hardlinks).
		return u.temp.giveName()
	})
	if err != nil || old == nil {
		return err
	}
	if now.Uid != old.Uid || now.Gid != old.Gid {
		// With the agent's rights. The user could as well have written into the old file, so this gives nothing away.
		// Where the agent has not the right either, the file becomes the user's.
		_ = u.c.doSelf(func() error { return unix.Fchown(u.temp.fd, int(old.Uid), int(old.Gid)) })
	}
	return u.c.do(func() error { return u.temp.appear(u.place.name) })
}

// copyInto writes the whole body into the existing file.
func (u *upload) copyInto() error {
	to := -1
	err := u.c.do(func() (err error) {
		to, err = openat(u.place.dir, u.place.name, unix.O_WRONLY|unix.O_TRUNC|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
		return err
	})
	if err != nil {
		return err
	}
	defer unix.Close(to)
	buf := getBuffer()
	defer putBuffer(buf)
	for off := int64(0); ; {
		n := 0
		err := u.c.do(func() (err error) {
			if n, err = readAt(u.temp.fd, *buf, off); err == nil {
				err = writeAll(to, (*buf)[:n])
			}
			return err
		})
		if err != nil {
			return err
		}
		if n < len(*buf) {
			return nil
		}
		off += int64(n)
	}
}

// end lets go of everything, and of the temporary file if it did not get its place.
func (u *upload) end() {
	u.c.cleanup(func() {
		if u.temp != nil {
			u.temp.drop()
		}
		u.place.close()
		if u.spoolDir >= 0 {
			unix.Close(u.spoolDir)
		}
	})
}
