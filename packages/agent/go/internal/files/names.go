package files

import "golang.org/x/sys/unix"

// dirReader gives the names in an open folder, a batch at a time.
type dirReader struct {
	fd  int
	buf [16 << 10]byte
}

// openReader opens a folder to read its names, never through a symbolic link at its end unless follow is set.
func openReader(dir int, name string, follow bool) (*dirReader, error) {
	flags := unix.O_RDONLY | unix.O_DIRECTORY
	if !follow {
		flags |= unix.O_NOFOLLOW
	}
	fd, err := openat(dir, name, flags, 0)
	if err != nil {
		return nil, err
	}
	return &dirReader{fd: fd}, nil
}

// next gives some names, none at the end.
func (d *dirReader) next() ([]string, error) {
	for {
		n, err := unix.ReadDirent(d.fd, d.buf[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return nil, err
		}
		_, _, names := unix.ParseDirent(d.buf[:n], -1, nil)
		if len(names) > 0 {
			return names, nil
		}
	}
}

// rewind makes next begin again, with what is there now.
func (d *dirReader) rewind() error {
	_, err := unix.Seek(d.fd, 0, unix.SEEK_SET)
	return err
}

func (d *dirReader) close() { unix.Close(d.fd) }
