package files

import (
	"archive/tar"
	"errors"
	"io"
	"net/http"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

const (
	// maxTarEntries bounds the entries of one tar.
	maxTarEntries = 1_000_000
	// maxTarTail bounds what may follow a tar's end; writers pad to a record, usually of 10 KiB.
	maxTarTail = 16 << 20
)

// putTar unpacks a tar below a folder. Each file is written as a whole or not at all; entries before one that fails stay.
// A file that is in the way is replaced, a folder that exists keeps its owner and mode, and a symbolic link that stands
// where a folder is needed is followed only inside. Times of files are kept, those of folders are not.
func putTar(c *call) error {
	path, err := c.q.path("path")
	if err != nil {
		return err
	}
	u := &unpacker{c: c, root: -1}
	defer u.end()
	err = c.do(func() (err error) {
		if err = makeAll(unix.AT_FDCWD, path, newDirMode); err != nil {
			return err
		}
		if u.root, err = openDir(unix.AT_FDCWD, path); err == nil {
			u.tree = newBeneath(u.root, isRoot(u.root))
		}
		return err
	})
	if err == nil {
		err = u.run()
	}
	if err != nil {
		return failed(err, "unpacking into", path)
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func isRoot(fd int) bool {
	a, err1 := fstat(fd)
	b, err2 := statat(unix.AT_FDCWD, "/")
	return err1 == nil && err2 == nil && a.Dev == b.Dev && a.Ino == b.Ino
}

// bodyReader tells an end of the tar from a failure of the stream that it comes over.
type bodyReader struct {
	r   io.Reader
	err error
}

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

type unpacker struct {
	c    *call
	root int
	tree *beneath
	// closed holds the folders whose own mode would keep the user from filling them; they get it at the end.
	closed []closedDir
}

type closedDir struct {
	name string
	mode uint32
}

func (u *unpacker) run() error {
	body := &bodyReader{r: u.c.r.Body}
	tr := tar.NewReader(body)
	for n := 0; ; n++ {
		h, err := tr.Next()
		if body.err != nil {
			return apierr.InvalidArgument("the body was cut after it began: %w", body.err)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return apierr.InvalidArgument("this is no tar that can be read: %w", err)
		}
		if n >= maxTarEntries {
			return apierr.ResourceExhausted("the tar has more than %d entries", maxTarEntries)
		}
		if err := u.entry(h, tr); err != nil {
			return failed(err, "entry", h.Name)
		}
	}
	if err := u.closeDirs(); err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, io.LimitReader(body, maxTarTail+1))
	if err != nil {
		return apierr.InvalidArgument("the body was cut after it began: %w", err)
	}
	if n > maxTarTail {
		return apierr.InvalidArgument("more than %d bytes follow the end of the tar", maxTarTail)
	}
	return nil
}

func (u *unpacker) entry(h *tar.Header, body io.Reader) error {
	u.c.h.o.Activity()
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil // comments, such as git's commit
	}
	name, err := entryName(h.Name)
	if err != nil {
		return err
	}
	if isSparse(h) {
		// A few bytes can stand for exabytes of zeros.
		return apierr.Unsupported("sparse files in a tar are not unpacked; make it without -S")
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return u.folder(name, h)
	case tar.TypeReg:
		return u.file(name, h, body)
	case tar.TypeSymlink:
		return u.symlink(name, h)
	case tar.TypeLink:
		return u.hardlink(name, h)
	}
	return apierr.InvalidArgument("only files, folders and links are unpacked; this entry has type %q", string(rune(h.Typeflag)))
}

func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if len(key) >= 11 && key[:11] == "GNU.sparse." {
			return true
		}
	}
	return false
}

func (u *unpacker) end() {
	u.c.cleanup(func() {
		if u.tree != nil {
			u.tree.close()
		}
		if u.root >= 0 {
			unix.Close(u.root)
		}
	})
}
