package files

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"

	"golang.org/x/sys/unix"
)

// temp is a file that nobody sees yet: without a name where the file system can do that, so that not even a killed agent
// leaves it behind, and with a hidden one elsewhere.
type temp struct {
	fd int
	// dir is the folder that it will appear in; it belongs to the caller.
	dir int
	// name is "" while it has none.
	name string
}

// newTemp makes one in dir with the rights of the calling thread.
func newTemp(dir int) (*temp, error) {
	if fd, err := openat(dir, ".", unix.O_TMPFILE|unix.O_RDWR, 0o600); err == nil {
		t := &temp{fd: fd, dir: dir}
		if _, err := statat(unix.AT_FDCWD, t.link()); err == nil {
			return t, nil
		}
		// Without /proc it could never be given a name.
		unix.Close(fd)
	} else if !unnamedUnsupported(err) {
		return nil, err
	}
	return newNamedTemp(dir)
}

func newNamedTemp(dir int) (*temp, error) {
	name := tempName()
	fd, err := openat(dir, name, unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return &temp{fd: fd, dir: dir, name: name}, nil
}

func tempName() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // it never fails; Go ends the program where it would
	return ".podkit-" + hex.EncodeToString(b[:]) + ".part"
}

func (t *temp) link() string { return "/proc/self/fd/" + strconv.Itoa(t.fd) }

// giveName makes the file appear under a hidden name, to be renamed from.
func (t *temp) giveName() error {
	if t.name != "" {
		return nil
	}
	name := tempName()
	if err := t.linkAs(name); err != nil {
		return err
	}
	t.name = name
	return nil
}

func (t *temp) linkAs(name string) error {
	return again(func() error { return unix.Linkat(unix.AT_FDCWD, t.link(), t.dir, name, unix.AT_SYMLINK_FOLLOW) })
}

// appear puts the file in its place, over whatever is there.
func (t *temp) appear(name string) error {
	if t.name == "" {
		// Where nothing is there it appears in one step, and nobody ever sees a hidden name.
		if err := t.linkAs(name); err != unix.EEXIST {
			return err
		}
		if err := t.giveName(); err != nil {
			return err
		}
	}
	if err := again(func() error { return unix.Renameat(t.dir, t.name, t.dir, name) }); err != nil {
		return err
	}
	t.name = ""
	return nil
}

// drop closes the file, and removes it where it still has its hidden name.
func (t *temp) drop() {
	if t.name != "" {
		_ = unix.Unlinkat(t.dir, t.name, 0)
		t.name = ""
	}
	if t.fd >= 0 {
		unix.Close(t.fd)
		t.fd = -1
	}
}

func unnamedUnsupported(err error) bool {
	return isErrno(err, unix.EOPNOTSUPP, unix.EISDIR, unix.EINVAL, unix.ENOENT, unix.ENOSYS)
}
