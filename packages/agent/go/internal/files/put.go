package files

import (
	"net/http"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

// newFileMode is what a new file gets unless asked otherwise.
const newFileMode = 0o644

// putContent writes a whole file or nothing: the body goes to a file that nobody sees, in the target's own folder, which
// takes the target's place once all has come. Symbolic links are followed, and what they point to is replaced. Folders
// that were made for a body that was cut stay.
//
// What exists keeps its owner and mode (without setuid and setgid), as far as the agent's rights allow, but is a new
// file: other hard links keep the old content. It must be writable for the user, as if it were opened for writing; that
// the folder is writable is not enough.
//
// Where the file is writable but its name cannot be given to another (the folder is not writable, it is a mount point,
// a sticky folder protects it), the body waits elsewhere until it is whole and is then copied into the file in place.
// Only that last copy is not atomic.
func putContent(c *call) error {
	path, err := c.q.path("path")
	if err != nil {
		return err
	}
	mode, err := c.q.mode("mode", newFileMode)
	if err != nil {
		return err
	}
	mkdirs, err := c.q.flag("mkdirs", true)
	if err != nil {
		return err
	}
	u := &upload{c: c, path: path, mode: mode, spoolDir: -1}
	defer u.end()
	info, err := u.run(mkdirs)
	if err != nil {
		return failed(err, "writing", path)
	}
	apierr.JSON(c.w, http.StatusOK, info)
	return nil
}

// upload is one file on its way in.
type upload struct {
	c     *call
	path  string
	mode  uint32
	place *place
	temp  *temp
	// writable: the file is there and the user may write to it.
	writable bool
	// inPlace: the content is copied into the existing file.
	inPlace  bool
	spoolDir int
}

func (u *upload) run(mkdirs bool) (info FileInfo, err error) {
	if err = u.begin(mkdirs); err != nil {
		return info, err
	}
	if err = u.receive(); err != nil {
		return info, err
	}
	if u.inPlace {
		err = u.copyInto()
	} else if err = u.replace(); u.writable && isErrno(err, unix.EBUSY, unix.EACCES, unix.EPERM) {
		err = u.copyInto()
	}
	if err != nil {
		return info, err
	}
	err = u.c.do(func() (err error) { info, err = infoAt(u.place.dir, u.place.name, u.path, false); return err })
	return info, err
}

// begin finds the place and makes the temporary file.
func (u *upload) begin(mkdirs bool) error {
	err := u.c.do(func() (err error) {
		if u.place, err = findPlace(u.path, mkdirs, u.c.id.UID); err != nil {
			return err
		}
		if u.place.st != nil {
			if err = u.mayWrite(); err != nil {
				return err
			}
		}
		if u.inPlace = u.isProtected(); !u.inPlace {
			u.temp, err = newTemp(u.place.dir)
		}
		return err
	})
	if u.writable && isErrno(err, unix.EACCES, unix.EPERM, unix.EROFS) {
		u.inPlace, err = true, nil
	}
	if err == nil && u.inPlace {
		return u.spool()
	}
	return err
}

// mayWrite asks the kernel by opening the file, and takes owner and mode from what was opened.
func (u *upload) mayWrite() error {
	p := u.place
	if err := mustBeRegular(p.st.Mode); err != nil {
		return err
	}
	fd, err := openat(p.dir, p.name, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if isErrno(err, unix.ETXTBSY) {
		// A running program cannot be written to, but it can be replaced; the kernel checks the rights before this.
		u.writable = true
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	st, err := fstat(fd)
	if err != nil {
		return err
	}
	p.st, u.writable = &st, true
	return mustBeRegular(st.Mode)
}
