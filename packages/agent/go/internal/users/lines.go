package users

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
)

const (
	// maxFile bounds how much of a file is read; 4 MiB are some 80,000 users.
	maxFile = 4 << 20
	// maxLine bounds a line; a longer one is passed over.
	maxLine = 64 << 10
	// maxGroups is the kernel's own bound (NGROUPS_MAX).
	maxGroups = 65536
)

// eachLine calls fn for each line until it says false. A file that is missing, or no regular file, has no lines: images
// without users are common, and who plants something else there gets what a missing file gives.
func eachLine(path string, fn func(string) bool) {
	// Looked at first, since opening can have effects of its own for devices; and opened without blocking, since it may be a
	// FIFO by then.
	if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
		return
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return
	}
	scan(io.LimitReader(f, maxFile), fn)
}

func scan(r io.Reader, fn func(string) bool) {
	br := bufio.NewReaderSize(r, maxLine)
	tooLong := false
	for {
		line, err := br.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			tooLong = true
			continue
		}
		if s := strings.TrimRight(string(line), "\r\n"); s != "" && !tooLong && !fn(s) {
			return
		}
		if err != nil {
			return
		}
		tooLong = false
	}
}
