package files

import (
	"strings"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

// maxTarNesting bounds the folders of one name, and so the descriptors that finding it needs.
const maxTarNesting = 256

// beneath finds folders below a root without ever leaving it, whatever symbolic links stand there or are planted
// meanwhile. It opens one folder after the other, each without following links, and follows those that it meets by
// itself. Not openat2: common seccomp profiles and gVisor do not have it.
type beneath struct {
	root int
	// whole: the root is `/`, so that absolute links stay inside.
	whole bool
	// The last folder is kept: a tar names one file after the other of the same folder.
	lastPath string
	lastFd   int
}

func newBeneath(root int, whole bool) *beneath { return &beneath{root: root, whole: whole, lastFd: -1} }

func (b *beneath) close() {
	if b.lastFd >= 0 {
		unix.Close(b.lastFd)
		b.lastFd = -1
	}
}

// dir gives the folder with this clean, relative name ("" for the root). The descriptor belongs to b and is good until
// the next call. With mkdirs missing folders are made.
func (b *beneath) dir(path string, mkdirs bool) (int, error) {
	if path == "" {
		return b.root, nil
	}
	if b.lastFd >= 0 && b.lastPath == path {
		return b.lastFd, nil
	}
	fd, err := b.find(path, mkdirs)
	if err != nil {
		return -1, err
	}
	b.close()
	b.lastPath, b.lastFd = path, fd
	return fd, nil
}

func (b *beneath) find(path string, mkdirs bool) (int, error) {
	var stack []int
	defer func() {
		for _, fd := range stack {
			unix.Close(fd)
		}
	}()
	here := func() int {
		if len(stack) == 0 {
			return b.root
		}
		return stack[len(stack)-1]
	}
	todo := strings.Split(path, "/")
	for hops := 0; len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			// Only links say this. What was opened on the way here is what is above, wherever it may have been moved to.
			if len(stack) > 0 {
				unix.Close(here())
				stack = stack[:len(stack)-1]
			} else if !b.whole {
				return -1, escapes(path)
			}
			continue
		}
		if len(stack) >= maxTarNesting {
			return -1, apierr.InvalidArgument("folders are nested deeper than %d", maxTarNesting)
		}
		fd, target, err := step(here(), name, mkdirs)
		if err != nil {
			return -1, err
		}
		if fd >= 0 {
			stack = append(stack, fd)
			continue
		}
		if hops++; hops > maxHops {
			return -1, unix.ELOOP
		}
		if strings.HasPrefix(target, "/") {
			if !b.whole {
				return -1, escapes(path)
			}
			for len(stack) > 0 {
				unix.Close(here())
				stack = stack[:len(stack)-1]
			}
		}
		todo = append(strings.Split(target, "/"), todo...)
		if len(todo) > maxPath {
			return -1, unix.ENAMETOOLONG
		}
	}
	if len(stack) == 0 {
		return unix.FcntlInt(uintptr(b.root), unix.F_DUPFD_CLOEXEC, 0)
	}
	fd := here()
	stack = stack[:len(stack)-1]
	return fd, nil
}

// step goes into one folder, or says where the symbolic link in its place points to.
func step(dir int, name string, mkdirs bool) (fd int, target string, err error) {
	for range 3 {
		fd, err = openat(dir, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
		switch {
		case err == nil:
			return fd, "", nil
		case isErrno(err, unix.ENOTDIR, unix.ELOOP):
			target, e := readlinkat(dir, name)
			if e == nil && target != "" {
				return -1, target, nil
			}
			if e != unix.ENOENT {
				return -1, "", unix.ENOTDIR
			}
		case isErrno(err, unix.ENOENT) && mkdirs:
			if e := again(func() error { return unix.Mkdirat(dir, name, newDirMode) }); e != nil && e != unix.EEXIST {
				return -1, "", e
			}
		default:
			return -1, "", err
		}
	}
	return -1, "", err
}

func escapes(path string) error {
	return apierr.InvalidArgument("%q leads out of the folder", path)
}
