package execs

import (
	"os"
	"sync"
	"time"
)

const (
	maxDiscards = 256
	discardPace = time.Millisecond
)

// discards reads the pipes of commands that have ended but left something behind that still writes. A pipe that is
// closed would end that something (SIGPIPE), and a pipe that nobody reads would stop it.
type discards struct {
	mu    sync.Mutex
	files []*os.File
}

func (d *discards) add(f *os.File) {
	_ = f.SetReadDeadline(time.Time{})
	d.mu.Lock()
	d.files = append(d.files, f)
	if len(d.files) > maxDiscards {
		_ = d.files[0].Close()
		d.files = d.files[1:]
	}
	d.mu.Unlock()
	go d.run(f)
}

func (d *discards) run(f *os.File) {
	var b [4 << 10]byte
	for {
		if _, err := f.Read(b[:]); err != nil {
			break
		}
		time.Sleep(discardPace)
	}
	_ = f.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, have := range d.files {
		if have == f {
			d.files = append(d.files[:i], d.files[i+1:]...)
			return
		}
	}
}
