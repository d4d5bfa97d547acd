package files

import (
	"net/http"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

// FileInfo is what the protocol says about a file.
type FileInfo struct {
	Path    string `json:"path"`
	Name    string `json:"name"`
	Type    string `json:"type"`
	Size    int64  `json:"size"`
	Mode    uint32 `json:"mode"`
	UID     uint32 `json:"uid"`
	GID     uint32 `json:"gid"`
	MtimeMs int64  `json:"mtimeMs"`
	// Target is what a symbolic link says.
	Target string `json:"target,omitempty"`
}

func newInfo(path string, st *unix.Stat_t) FileInfo {
	kind := "other"
	switch {
	case isRegular(st.Mode):
		kind = "file"
	case isDir(st.Mode):
		kind = "directory"
	case isSymlink(st.Mode):
		kind = "symlink"
	}
	path = shown(path)
	return FileInfo{
		Path: path, Name: base(path), Type: kind, Size: st.Size, Mode: st.Mode & 0o7777, UID: st.Uid, GID: st.Gid,
		MtimeMs: st.Mtim.Sec*1000 + st.Mtim.Nsec/1e6,
	}
}

// infoAt looks a file up relative to dir, with the rights of the calling thread.
func infoAt(dir int, name, path string, follow bool) (FileInfo, error) {
	var st unix.Stat_t
	flags := unix.AT_SYMLINK_NOFOLLOW
	if follow {
		flags = 0
	}
	if err := again(func() error { return unix.Fstatat(dir, name, &st, flags) }); err != nil {
		return FileInfo{}, err
	}
	info := newInfo(path, &st)
	if isSymlink(st.Mode) {
		// It may be another file by now; then the target is left out.
		info.Target, _ = readlinkat(dir, name)
	}
	return info, nil
}

func stat(c *call) error {
	path, err := c.q.path("path")
	if err != nil {
		return err
	}
	follow, err := c.q.flag("follow", true)
	if err != nil {
		return err
	}
	var info FileInfo
	if err := c.do(func() (err error) { info, err = infoAt(unix.AT_FDCWD, path, path, follow); return err }); err != nil {
		return failed(err, "stat", path)
	}
	apierr.JSON(c.w, http.StatusOK, info)
	return nil
}

// failed says what was tried with which file.
func failed(err error, what, path string) error {
	if err == nil {
		return nil
	}
	return apierr.Wrap(err, what+" "+shown(path)).With("path", shown(path))
}
