package reap

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// nextEnded waits until a child has ended, and gives its pid without reaping it. With WNOHANG it gives 0 where none has.
func nextEnded(flags int) (int, error) {
	var info [128]byte // siginfo_t
	_, _, errno := syscall.Syscall6(unix.SYS_WAITID, unix.P_ALL, 0, uintptr(unsafe.Pointer(&info[0])),
		uintptr(unix.WEXITED|unix.WNOWAIT|unix.WALL|flags), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	// si_signo, si_errno and si_code come first; on 64-bit systems the union begins at 16, with si_pid.
	return int(int32(binary.NativeEndian.Uint32(info[16:]))), nil
}
