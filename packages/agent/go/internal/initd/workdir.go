package initd

import (
	"fmt"
	"os"
	"syscall"

	"podkit.dev/agent/internal/users"
)

// prepareWorkingDir makes the working directory where it is missing. It is given to the commands' user where it was made
// here, or is empty and the user could not write in it: that is how engines leave a folder that they made for a mount.
func prepareWorkingDir(dir string, user users.Identity) error {
	made, err := makeDir(dir)
	if err != nil {
		return fmt.Errorf("the working directory cannot be made: %w", err)
	}
	if int(user.UID) == os.Geteuid() {
		return nil
	}
	if made || empty(dir) && !writable(dir, user) {
		// An agent that is not root cannot give it away; then commands say what is wrong.
		_ = os.Lchown(dir, int(user.UID), int(user.GID))
	}
	return nil
}

// makeDir makes dir with all its parents; a read-only root with the folder there is fine.
func makeDir(dir string) (made bool, err error) {
	if st, err := os.Stat(dir); err == nil {
		if !st.IsDir() {
			return false, fmt.Errorf("%s is not a directory", dir)
		}
		return false, nil
	}
	return true, os.MkdirAll(dir, 0o755)
}

func empty(dir string) bool {
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close()
	names, _ := f.Readdirnames(1)
	return len(names) == 0
}

// writable decides by the mode alone; it is only asked about empty folders of the engine's making.
func writable(dir string, u users.Identity) bool {
	var st syscall.Stat_t
	if syscall.Stat(dir, &st) != nil {
		return false
	}
	if u.UID == 0 {
		return true
	}
	want := uint32(0o003)
	switch {
	case st.Uid == u.UID:
		want = 0o300
	case st.Gid == u.GID || contains(u.Groups, st.Gid):
		want = 0o030
	}
	return st.Mode&want == want
}

func contains(l []uint32, v uint32) bool {
	for _, x := range l {
		if x == v {
			return true
		}
	}
	return false
}
