package fsuser

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/users"
)

// creds are the calls that change one thread's ids; a parameter so that tests can make them fail.
type creds interface {
	setgroups(gids []uint32) error
	// setfsuid and setfsgid give the id that the thread had before. The kernel reports no errors here.
	setfsuid(uid uint32) uint32
	setfsgid(gid uint32) uint32
}

// query changes nothing, so the call tells the present id.
const query = 1<<32 - 1

// kernel makes the raw calls. Go's own syscall.Setgroups changes every thread of the process, which is just what must
// not happen here.
type kernel struct{}

func (kernel) setgroups(gids []uint32) error {
	var first unsafe.Pointer
	if len(gids) > 0 {
		first = unsafe.Pointer(&gids[0])
	}
	if _, _, errno := syscall.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(gids)), uintptr(first), 0); errno != 0 {
		return errno
	}
	return nil
}

func (kernel) setfsuid(uid uint32) uint32 {
	was, _, _ := syscall.RawSyscall(unix.SYS_SETFSUID, uintptr(uid), 0, 0)
	return uint32(was)
}

func (kernel) setfsgid(gid uint32) uint32 {
	was, _, _ := syscall.RawSyscall(unix.SYS_SETFSGID, uintptr(gid), 0, 0)
	return uint32(was)
}

// take gives the calling thread id's rights. With an fsuid other than 0 the kernel also drops the capabilities over files
// (DAC_OVERRIDE, CHOWN, FOWNER …) of the thread, and brings them back with fsuid 0.
func take(sys creds, id users.Identity) error {
	// An id of -1 would leave the thread as it is: with the agent's rights.
	if id.UID == query || id.GID == query {
		return fmt.Errorf("%d:%d is no identity", id.UID, id.GID)
	}
	groups := id.Groups
	if len(groups) == 0 {
		groups = []uint32{id.GID}
	}
	if err := sys.setgroups(groups); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	sys.setfsgid(id.GID)
	if got := sys.setfsgid(query); got != id.GID {
		return fmt.Errorf("setfsgid: the thread has %d", got)
	}
	sys.setfsuid(id.UID)
	if got := sys.setfsuid(query); got != id.UID {
		return fmt.Errorf("setfsuid: the thread has %d", got)
	}
	return nil
}

// probe tries on the calling thread whether it can change to another identity (can) and back (clean). Being root is not
// enough: the capabilities may be dropped, or a user namespace may map one id only or forbid setgroups.
func probe(sys creds, own users.Identity) (can, clean bool) {
	if own.UID != 0 {
		return false, true
	}
	// The groups come first since they are what is refused, and a refusal has changed nothing yet.
	if sys.setgroups(own.Groups) != nil {
		return false, true
	}
	can = take(sys, users.Identity{UID: 1, GID: 1, Groups: []uint32{1}}) == nil
	return can, take(sys, own) == nil
}
