package files

import (
	"strings"

	"golang.org/x/sys/unix"
)

// getTar streams a folder's content, or one file, as a tar. Symbolic links are entries and not followed (but for `path`
// itself); sockets, FIFOs and devices are left out, since they mean nothing elsewhere; hard links are files of their own.
// An error before the first piece has its status, a later one cuts the stream.
func getTar(c *call) error {
	path, err := c.q.path("path")
	if err != nil {
		return err
	}
	p := newPacker()
	defer p.close()
	if err := c.do(func() error { return p.open(path) }); err != nil {
		return failed(err, "reading", path)
	}
	for done := false; !done; {
		// Filled on a thread of the pool, sent from here, so that a slow client holds no thread.
		if err := c.do(func() (err error) { done, err = p.fill(); return err }); err != nil {
			return failed(err, "reading", path+"/"+p.at)
		}
		if !c.began {
			c.w.Header().Set("Content-Type", "application/x-tar")
		}
		if err := c.send(p.out.Bytes()); err != nil {
			return err
		}
		p.out.Reset()
	}
	return nil
}

func (p *packer) open(path string) error {
	d, err := openReader(unix.AT_FDCWD, path, true)
	if err == nil {
		p.levels = append(p.levels, &level{dir: d})
		return nil
	}
	if !isErrno(err, unix.ENOTDIR) || strings.HasSuffix(path, "/") {
		return err
	}
	fd, st, err := openRegular(unix.AT_FDCWD, path, 0)
	if err != nil {
		return err
	}
	return p.startFile(fd, base(path), &st)
}
