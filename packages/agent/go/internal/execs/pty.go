package execs

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/apierr"
)

// openPty makes a terminal of the given size and gives its two ends. The slave belongs to uid, so that the command can open
// /dev/tty and change it.
func openPty(size PtySize, uid int) (master *os.File, slave int, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, -1, apierr.Wrap(err, "no terminal can be made (/dev/ptmx)")
	}
	slave, err = openSlave(fd, size, uid)
	if err != nil {
		_ = unix.Close(fd)
		return nil, -1, apierr.Wrap(err, "no terminal can be made")
	}
	return os.NewFile(uintptr(fd), "ptmx"), slave, nil
}

func openSlave(master int, size PtySize, uid int) (int, error) {
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return -1, err
	}
	n, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return -1, err
	}
	if err := unix.IoctlSetWinsize(master, unix.TIOCSWINSZ, &unix.Winsize{Col: size.Cols, Row: size.Rows}); err != nil {
		return -1, err
	}
	// By its number the slave may not be reachable (another devpts); the ioctl opens it without a path.
	slave, err := ptyPeer(master)
	if err != nil {
		slave, err = unix.Open("/dev/pts/"+strconv.Itoa(n), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return -1, err
	}
	if uid != os.Geteuid() {
		_ = unix.Fchown(slave, uid, -1)
	}
	return slave, nil
}

func ptyPeer(master int) (int, error) {
	fd, _, errno := syscall.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}
