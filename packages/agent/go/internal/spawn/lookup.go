package spawn

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// lookup finds the program as a shell would. It must run with the rights of the command's user, in its directory.
func lookup(name, path string) (string, Stage, syscall.Errno) {
	if strings.Contains(name, "/") {
		stage, errno := executable(name)
		return name, stage, errno
	}
	if name == "" {
		return "", StageNotFound, syscall.ENOENT
	}
	denied := syscall.Errno(0)
	for len(path) > 0 {
		dir, rest, _ := strings.Cut(path, ":")
		path = rest
		candidate := name
		if dir != "" {
			candidate = dir + "/" + name
		} else {
			candidate = "./" + name
		}
		switch stage, errno := executable(candidate); stage {
		case StageStarted:
			return candidate, StageStarted, 0
		case StageNoExec:
			if denied == 0 {
				denied = errno
			}
		}
	}
	if denied != 0 {
		return "", StageNoExec, denied
	}
	return "", StageNotFound, syscall.ENOENT
}

func executable(file string) (Stage, syscall.Errno) {
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		errno, _ := err.(syscall.Errno)
		if errno == syscall.EACCES {
			return StageNoExec, errno
		}
		return StageNotFound, errno
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return StageNoExec, syscall.EISDIR
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return StageNoExec, syscall.EACCES
	}
	if errno := access(file, &st); errno != 0 {
		return StageNoExec, errno
	}
	return StageStarted, 0
}

// access asks with the rights of the thread (its fsuid), which is what faccessat2 with AT_EACCESS does.
func access(file string, st *unix.Stat_t) syscall.Errno {
	p, err := syscall.BytePtrFromString(file)
	if err != nil {
		return syscall.EINVAL
	}
	errno := faccessat2(p, unix.X_OK)
	if errno != syscall.ENOSYS && errno != syscall.EPERM {
		return errno
	}
	// A kernel before 5.8, or a seccomp profile that does not know the call: exec itself will say what is right, so only
	// the case that no bit is set is decided here.
	if st.Mode&0o111 == 0 {
		return syscall.EACCES
	}
	return 0
}

// defaultPath is where a program is looked for when the command's environment has no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// PathOf gives the PATH that env says, or the default.
func PathOf(env []string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], "PATH="); ok {
			return v
		}
	}
	return defaultPath
}

// DefaultPath is the PATH of a command whose environment has none.
func DefaultPath() string { return defaultPath }

// selfExe is opened through /proc so that it works when the file was replaced or is out of reach.
const selfExe = "/proc/self/exe"
