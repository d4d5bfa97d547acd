package spawn

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func faccessat2(path *byte, mode uint32) syscall.Errno {
	at := unix.AT_FDCWD
	_, _, errno := syscall.RawSyscall6(unix.SYS_FACCESSAT2, uintptr(at), uintptr(unsafe.Pointer(path)), uintptr(mode), unix.AT_EACCESS, 0, 0)
	return errno
}

// rights are the file system rights of one thread.
type rights struct {
	uid, gid uint32
	groups   []uint32
}

func ownRights() rights {
	groups, _ := syscall.Getgroups()
	r := rights{uid: uint32(syscall.Geteuid()), gid: uint32(syscall.Getegid())}
	for _, g := range groups {
		r.groups = append(r.groups, uint32(g))
	}
	return r
}

// become gives the calling thread, and it alone, the file system rights of r. The raw calls are needed because package
// syscall changes all threads.
func (r rights) become() {
	var p unsafe.Pointer
	if len(r.groups) > 0 {
		p = unsafe.Pointer(&r.groups[0])
	}
	_, _, _ = syscall.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(r.groups)), uintptr(p), 0)
	_, _, _ = syscall.RawSyscall(unix.SYS_SETFSGID, uintptr(r.gid), 0, 0)
	_, _, _ = syscall.RawSyscall(unix.SYS_SETFSUID, uintptr(r.uid), 0, 0)
}
