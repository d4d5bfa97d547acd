package files

import (
	"strings"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

// maxHops is how many symbolic links a path may lead over, as in the kernel.
const maxHops = 40

// place is where a file is to be written: an open folder and a name in it that is no symbolic link.
type place struct {
	dir  int
	name string
	// st is what is there now, nil for nothing.
	st *unix.Stat_t
	// dirMode and dirUID tell what the folder allows.
	dirMode, dirUID uint32
}

func (p *place) close() {
	if p != nil && p.dir >= 0 {
		unix.Close(p.dir)
		p.dir = -1
	}
}

// findPlace follows the symbolic links at the end of path (the kernel follows those before it) with the rights of the
// calling thread, whose fsuid is uid. With mkdirs missing folders are made.
func findPlace(path string, mkdirs bool, uid uint32) (*place, error) {
	at := unix.AT_FDCWD
	defer func() {
		if at >= 0 {
			unix.Close(at)
		}
	}()
	for range maxHops {
		dir, name, ok := split(path)
		if !ok {
			return nil, apierr.InvalidState("it is a folder")
		}
		fd, err := openDir(at, dir)
		if err != nil && mkdirs && apierr.From(err).Code == apierr.CodeNotFound {
			if err = makeAll(at, dir, newDirMode); err == nil {
				fd, err = openDir(at, dir)
			}
		}
		if err != nil {
			return nil, err
		}
		if at >= 0 {
			unix.Close(at)
		}
		at = fd
		p := &place{dir: fd, name: name}
		dirStat, err := fstat(fd)
		if err != nil {
			return nil, err
		}
		p.dirMode, p.dirUID = dirStat.Mode, dirStat.Uid
		st, err := lstatat(fd, name)
		switch {
		case err == unix.ENOENT:
		case err != nil:
			return nil, err
		case isSymlink(st.Mode):
			if err := mayFollow(&dirStat, &st, uid); err != nil {
				return nil, err
			}
			if path, err = readlinkat(fd, name); err != nil {
				return nil, err
			}
			continue
		default:
			p.st = &st
		}
		at = -1 // it is the caller's now
		return p, nil
	}
	return nil, unix.ELOOP
}

// split gives the folder (never empty) and the last name; !ok where path names a folder by its form.
func split(path string) (dir, name string, ok bool) {
	n := strings.LastIndexByte(path, '/')
	dir, name = path[:n+1], path[n+1:]
	if dir == "" {
		dir = "."
	}
	return dir, name, name != "" && name != "." && name != ".."
}

// mayFollow is the kernel's rule of fs.protected_symlinks, which does not see links that are followed by hand: in a sticky
// folder that everyone may write to (/tmp) only one's own links and those of the folder's owner are followed.
func mayFollow(dir, link *unix.Stat_t, uid uint32) error {
	const open = unix.S_ISVTX | 0o002
	if dir.Mode&open != open || link.Uid == uid || link.Uid == dir.Uid {
		return nil
	}
	return apierr.PermissionDenied("a symbolic link of another user (uid %d) in a folder that everyone may write to is not followed", link.Uid)
}
