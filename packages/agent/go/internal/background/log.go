package background

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// logFile is the log of one stream, with a cap.
type logFile struct {
	f     *os.File
	limit int64

	mu      sync.Mutex
	size    int64
	dropped int64
	changed chan struct{} // closed at the next write; nil where nobody waits
	closed  bool
}

// createLog makes an empty log.
func createLog(name string, limit int64) (*logFile, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	return &logFile{f: f, limit: limit}, nil
}

// openLog opens the log that an earlier agent left.
func openLog(name string) (*logFile, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		_ = f.Close()
		return nil, os.ErrInvalid
	}
	return &logFile{f: f, size: st.Size()}, nil
}

// write appends up to the cap; what does not fit, on the disk or under the cap, is counted.
func (l *logFile) write(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	k := int(min(int64(len(p)), max(l.limit-l.size, 0)))
	n := 0
	if k > 0 {
		n, _ = l.f.WriteAt(p[:k], l.size)
	}
	l.size += int64(n)
	l.dropped += int64(len(p) - n)
	if n > 0 {
		l.tell()
	}
}

func (l *logFile) tell() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// state gives the log's length, and a channel that is closed when there is more.
func (l *logFile) state() (size int64, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.size, l.changed
}

func (l *logFile) counts() (size, dropped int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size, l.dropped
}

// full says whether nothing more will be kept.
func (l *logFile) full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size >= l.limit
}

func (l *logFile) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		_ = l.f.Close()
		l.tell()
	}
}
