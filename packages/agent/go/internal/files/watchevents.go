package files

import (
	"strings"

	"golang.org/x/sys/unix"
)

// handle takes a batch of events in.
func (t *watchTree) handle(events []event) {
	for _, e := range events {
		if t.over {
			return
		}
		if e.mask&unix.IN_Q_OVERFLOW != 0 {
			t.report("overflow", "")
			if t.recursive {
				t.grow("", false)
			}
			continue
		}
		dir, known := t.paths[e.wd]
		if !known {
			continue // of a watch that was taken away since
		}
		if e.name == "" {
			t.handleSelf(e, dir)
		} else if t.only == "" || e.name == t.only {
			t.handleChild(e, join(dir, e.name))
		}
	}
}

// handleSelf takes what happens to a watched folder itself; those below root are reported by the folder above them.
func (t *watchTree) handleSelf(e event, dir string) {
	if e.mask&(unix.IN_IGNORED|unix.IN_UNMOUNT) != 0 {
		delete(t.paths, e.wd)
	}
	if dir != "" {
		return
	}
	switch {
	case e.mask&unix.IN_MOVE_SELF != 0:
		t.report("renamed", "")
		t.over = true
	case e.mask&(unix.IN_DELETE_SELF|unix.IN_IGNORED|unix.IN_UNMOUNT) != 0:
		t.report("removed", "")
		t.over = true
	case e.mask&(unix.IN_ATTRIB|unix.IN_MODIFY) != 0 && t.only == "":
		t.report("modified", "")
	}
}

func (t *watchTree) handleChild(e event, rel string) {
	folder := t.recursive && e.mask&unix.IN_ISDIR != 0
	switch {
	case e.mask&(unix.IN_CREATE|unix.IN_MOVED_TO) != 0:
		t.report("created", rel)
		if folder {
			t.grow(rel, true)
		}
	case e.mask&unix.IN_MOVED_FROM != 0:
		t.report("renamed", rel)
		if folder {
			t.forget(rel)
		}
	case e.mask&unix.IN_DELETE != 0:
		t.report("removed", rel)
	case e.mask&(unix.IN_MODIFY|unix.IN_ATTRIB) != 0:
		// A watched folder reports changes of its own mode both from above and by itself; this is the one that counts.
		t.report("modified", rel)
	}
}

// grow watches a folder that has appeared, and what is below it.
func (t *watchTree) grow(rel string, news bool) {
	added := true
	var err error
	if rel != "" {
		added, err = t.addFolder(rel)
	}
	if err == nil && added {
		err = t.scan(rel, news)
	}
	if err != nil {
		t.report("overflow", rel)
	}
}

// forget takes the watches of a folder away that was moved, and of those below it: their paths are wrong now.
func (t *watchTree) forget(rel string) {
	for wd, path := range t.paths {
		if path == rel || strings.HasPrefix(path, rel+"/") {
			t.in.remove(wd)
			delete(t.paths, wd)
		}
	}
}
