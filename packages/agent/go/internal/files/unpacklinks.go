package files

import (
	"archive/tar"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

func (u *unpacker) symlink(name string, h *tar.Header) error {
	if name == "" {
		return apierr.InvalidArgument("a link in the tar has no name")
	}
	if err := linkTarget(name, h.Linkname, u.tree.whole); err != nil {
		return err
	}
	dir, last := parent(name)
	return u.c.do(func() error {
		at, err := u.tree.dir(dir, true)
		if err != nil {
			return err
		}
		return inTheWay(at, last, func() error { return unix.Symlinkat(h.Linkname, at, last) })
	})
}

// hardlink links to a file inside that is there already, as tars have them.
func (u *unpacker) hardlink(name string, h *tar.Header) error {
	target, err := entryName(h.Linkname)
	if err != nil {
		return err
	}
	if name == "" || target == "" {
		return apierr.InvalidArgument("a link in the tar has no name")
	}
	if name == target {
		return nil
	}
	fromDir, fromName := parent(target)
	toDir, toName := parent(name)
	return u.c.do(func() error {
		shared, err := u.tree.dir(fromDir, false)
		if err != nil {
			return err
		}
		from, err := unix.FcntlInt(uintptr(shared), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(from)
		st, err := lstatat(from, fromName)
		if err != nil {
			return err
		}
		if !isRegular(st.Mode) {
			return apierr.InvalidArgument("the hard link %q in the tar is to no regular file: %q", name, target)
		}
		to, err := u.tree.dir(toDir, true)
		if err != nil {
			return err
		}
		return inTheWay(to, toName, func() error { return unix.Linkat(from, fromName, to, toName, 0) })
	})
}

// inTheWay makes something, after removing the file or link that stands in its place.
func inTheWay(dir int, name string, make func() error) error {
	err := again(make)
	if err != unix.EEXIST {
		return err
	}
	if err := again(func() error { return unix.Unlinkat(dir, name, 0) }); err != nil {
		return err
	}
	return again(make)
}
