package files

import (
	"archive/tar"
	"bytes"
	"errors"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

// maxTarDepth bounds the folders that are open at once.
const maxTarDepth = 256

// packer makes a tar piece by piece: fill puts the next part into out and returns, and keeps where it was. What it holds
// is one piece and one open folder per level, whatever the size of the tree.
type packer struct {
	out    bytes.Buffer
	tw     *tar.Writer
	levels []*level
	// at is the name of the entry at work, for messages.
	at string
	// fd is the file at work, -1 for none; left is what its header promised and is not written yet.
	fd    int
	off   int64
	left  int64
	piece *[]byte
}

type level struct {
	dir   *dirReader
	name  string
	names []string
}

func newPacker() *packer {
	p := &packer{fd: -1, piece: getBuffer()}
	p.tw = tar.NewWriter(&p.out)
	return p
}

func (p *packer) close() {
	for _, l := range p.levels {
		l.dir.close()
	}
	p.levels = nil
	p.endFile()
	putBuffer(p.piece)
}

func (p *packer) endFile() {
	if p.fd >= 0 {
		unix.Close(p.fd)
		p.fd = -1
	}
}

// fill adds to out until it has a piece, and says whether the tar is complete.
func (p *packer) fill() (done bool, err error) {
	for p.out.Len() < pieceSize {
		switch {
		case p.fd >= 0:
			err = p.copy()
		case len(p.levels) > 0:
			err = p.next()
		default:
			return true, p.tw.Close()
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// copy moves a part of the file at work. It may have grown or shrunk since: the header's size is what counts.
func (p *packer) copy() error {
	if p.left == 0 {
		p.endFile()
		return nil
	}
	buf := (*p.piece)[:min(int64(len(*p.piece)), p.left)]
	n, err := readAt(p.fd, buf, p.off)
	if err != nil {
		return err
	}
	clear(buf[n:])
	p.off += int64(len(buf))
	p.left -= int64(len(buf))
	_, err = p.tw.Write(buf)
	return err
}

// next takes the next name of the innermost folder.
func (p *packer) next() error {
	l := p.levels[len(p.levels)-1]
	if len(l.names) == 0 {
		names, err := l.dir.next()
		if err != nil {
			return err
		}
		if len(names) == 0 {
			l.dir.close()
			p.levels = p.levels[:len(p.levels)-1]
			return nil
		}
		l.names = names
	}
	name := l.names[0]
	l.names = l.names[1:]
	p.at = l.name + name
	err := p.entry(l.dir.fd, name, p.at)
	if isErrno(err, unix.ENOENT, unix.ELOOP, unix.ENOTDIR) || errors.Is(err, errNotRegular) || errors.Is(err, errFolder) {
		// Gone, or another kind of file by now.
		return nil
	}
	return err
}

func (p *packer) entry(dir int, name, full string) error {
	st, err := lstatat(dir, name)
	if err != nil {
		return err
	}
	switch {
	case isDir(st.Mode):
		if len(p.levels) >= maxTarDepth {
			return apierr.InvalidState("folders are nested deeper than %d", maxTarDepth)
		}
		below, err := openReader(dir, name, false)
		if err != nil {
			return err
		}
		p.levels = append(p.levels, &level{dir: below, name: full + "/"})
		return p.tw.WriteHeader(header(full+"/", tar.TypeDir, &st))
	case isSymlink(st.Mode):
		target, err := readlinkat(dir, name)
		if err != nil {
			return err
		}
		h := header(full, tar.TypeSymlink, &st)
		h.Linkname = target
		return p.tw.WriteHeader(h)
	case isRegular(st.Mode):
		fd, st, err := openRegular(dir, name, unix.O_NOFOLLOW)
		if err != nil {
			return err
		}
		return p.startFile(fd, full, &st)
	}
	return nil
}

func (p *packer) startFile(fd int, name string, st *unix.Stat_t) error {
	p.fd, p.off, p.left, p.at = fd, 0, st.Size, name
	h := header(name, tar.TypeReg, st)
	h.Size = st.Size
	return p.tw.WriteHeader(h)
}

// header is without names of users, which mean nothing elsewhere. Whole seconds keep most entries free of an extra
// header of 1 KiB; what does not fit the old format (long names, large files) still gets one.
func header(name string, kind byte, st *unix.Stat_t) *tar.Header {
	return &tar.Header{
		Typeflag: kind, Name: strings.TrimPrefix(name, "/"), Mode: int64(st.Mode & 0o7777), Uid: int(st.Uid), Gid: int(st.Gid),
		ModTime: time.Unix(st.Mtim.Sec, 0),
	}
}
