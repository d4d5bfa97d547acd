package files

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

const (
	watchMask = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MODIFY | unix.IN_ATTRIB | unix.IN_MOVED_FROM | unix.IN_MOVED_TO |
		unix.IN_MOVE_SELF | unix.IN_DELETE_SELF | unix.IN_EXCL_UNLINK | unix.IN_ONLYDIR
	// maxReported bounds what one batch of events can report, where it makes whole trees appear.
	maxReported = 20_000
)

// watchTree turns inotify's events of watched folders into changes with paths. All its methods that look at files must
// run with the user's rights.
type watchTree struct {
	in        *inotify
	root      string
	recursive bool
	max       int
	// only is the name that counts, where one file is watched; a file is watched in its folder, since it is often replaced by
	// another of its name.
	only string
	// dir is that folder, open; -1 for none.
	dir int
	// paths are the watched folders, relative to root ("" is root itself).
	paths map[int32]string
	out   []Change
	// over: nothing more can come.
	over bool
}

// begin adds the first watches.
func (t *watchTree) begin(path string, uid uint32) error {
	st, err := statat(unix.AT_FDCWD, path)
	if err != nil {
		return err
	}
	at := path
	if !isDir(st.Mode) {
		p, err := findPlace(path, false, uid)
		if err != nil {
			return err
		}
		t.dir, t.only, t.recursive = p.dir, p.name, false
		at = "/proc/self/fd/" + strconv.Itoa(p.dir)
	}
	wd, err := t.in.add(at, watchMask)
	if err != nil {
		return err
	}
	t.paths[wd] = ""
	if t.recursive {
		return t.scan("", false)
	}
	return nil
}

// report notes a change of a path relative to root.
func (t *watchTree) report(kind, rel string) {
	if len(t.out) >= maxReported {
		t.out[len(t.out)-1] = Change{Type: "overflow", Path: t.root}
		return
	}
	path := t.root
	if rel != "" && t.only == "" {
		path = strings.TrimSuffix(t.root, "/") + "/" + rel
	}
	t.out = append(t.out, Change{Type: kind, Path: path})
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// scan adds watches to the folders below one that is watched already. With news all that it finds is reported as created:
// it came before the watch did.
func (t *watchTree) scan(rel string, news bool) error {
	todo := []string{rel}
	for len(todo) > 0 {
		rel := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		d, err := openReader(unix.AT_FDCWD, t.root+"/"+rel, rel == "")
		if err != nil {
			continue // gone, or not for this user
		}
		err = t.scanOne(d, rel, news, &todo)
		d.close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *watchTree) scanOne(d *dirReader, rel string, news bool, todo *[]string) error {
	for {
		names, err := d.next()
		if err != nil || len(names) == 0 {
			return nil
		}
		for _, name := range names {
			st, err := lstatat(d.fd, name)
			if err != nil {
				continue
			}
			below := join(rel, name)
			if news {
				t.report("created", below)
			}
			if !isDir(st.Mode) {
				continue
			}
			added, err := t.addFolder(below)
			if err != nil {
				return err
			}
			if added {
				*todo = append(*todo, below)
			}
		}
	}
}

// addFolder watches one more folder. One that is gone, or that the user may not read, is no error.
func (t *watchTree) addFolder(rel string) (bool, error) {
	if len(t.paths) >= t.max {
		return false, apierr.ResourceExhausted("more than %d folders would be watched", t.max)
	}
	wd, err := t.in.add(t.root+"/"+rel, watchMask|unix.IN_DONT_FOLLOW)
	switch {
	case err == nil:
		t.paths[wd] = rel
		return true, nil
	case isErrno(err, unix.ENOENT, unix.ENOTDIR, unix.EACCES, unix.ELOOP, unix.ENAMETOOLONG):
		return false, nil
	}
	return false, err
}
