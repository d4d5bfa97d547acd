package spawn

import (
	"encoding/binary"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// socketFd is where the spawner finds its end of the socket.
const socketFd = 3

// workerThreads are made ahead: at the pids limit the Go runtime aborts when it cannot make one.
const workerThreads = 4

// Worker is the spawner: a child of the agent that starts one program at a time, as a child of the agent.
//
// It is a process of its own because it lowers its own hard RLIMIT_LOCKS before each start, which is what marks the
// program; the agent's own limits must stay as they are, since pam_limits copies those of PID 1.
func Worker() int {
	runtime.GOMAXPROCS(1)
	runtime.LockOSThread()
	PrestartThreads(workerThreads)
	usualTimers() // commands inherit them
	// What it starts is to be chosen before the agent when memory runs out. Raising needs no right.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("200"), 0)
	unix.CloseOnExec(socketFd)
	w := &worker{self: ownRights(), oob: make([]byte, unix.CmsgSpace(16*4)), buf: make([]byte, 64<<10)}
	for {
		if !w.serve() {
			return 0
		}
	}
}

type worker struct {
	self rights
	oob  []byte
	buf  []byte
}

// serve handles one request; false means that the agent is gone.
func (w *worker) serve() bool {
	msg, seq, fds, ok := w.receive()
	if !ok {
		return false
	}
	res := result{seq: seq, stage: StageExec, errno: uint32(syscall.EINVAL)}
	if req, mark, err := decode(msg); err == nil && len(fds) == 3 {
		stage, errno, pid := w.start(req, mark, fds)
		res.stage, res.errno, res.pid = stage, uint32(errno), uint32(pid)
	}
	for _, fd := range fds {
		_ = syscall.Close(fd)
	}
	return writeAll(socketFd, res.encode()) == nil
}

// receive reads one request. The kernel ends a read after the piece that carried descriptors, so one read never reaches
// into the next request.
func (w *worker) receive() (msg []byte, seq uint32, fds []int, ok bool) {
	var n, oobn int
	var err error
	for {
		n, oobn, _, _, err = unix.Recvmsg(socketFd, w.buf, w.oob, unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil || n < headLen {
		return nil, 0, nil, false
	}
	fds = parseFds(w.oob[:oobn])
	length := int(binary.LittleEndian.Uint32(w.buf))
	seq = binary.LittleEndian.Uint32(w.buf[4:])
	if length > maxRequest || n-headLen > length {
		return nil, 0, nil, false
	}
	if length+headLen <= len(w.buf) {
		msg = w.buf[headLen : headLen+length]
	} else {
		msg = make([]byte, length)
		copy(msg, w.buf[headLen:n])
	}
	if readAll(socketFd, msg[n-headLen:]) != nil {
		return nil, 0, nil, false
	}
	return msg, seq, fds, true
}

func (w *worker) start(req *Request, mark uint64, fds []int) (Stage, syscall.Errno, int) {
	file, stage, errno := w.prepare(req)
	defer func() { _ = syscall.Chdir("/") }() // a directory that is held cannot be unmounted
	if stage != StageStarted {
		return stage, errno, 0
	}
	limit := unix.Rlimit{Cur: mark, Max: mark}
	if err := unix.Prlimit(0, RlimitLocks, &limit, nil); err != nil {
		errno, _ = err.(syscall.Errno)
		return StageLimit, errno, 0
	}
	attr := &syscall.ProcAttr{
		Env:   req.Env,
		Files: []uintptr{uintptr(fds[0]), uintptr(fds[1]), uintptr(fds[2])},
		Sys: &syscall.SysProcAttr{
			// The agent is to be the parent, since it does all the waiting.
			Cloneflags: syscall.CLONE_PARENT,
			Setsid:     true,
			Setctty:    req.Tty,
		},
	}
	if req.Cred != nil {
		attr.Sys.Credential = &syscall.Credential{Uid: req.Cred.UID, Gid: req.Cred.GID, Groups: req.Cred.Groups}
	}
	pid, err := syscall.ForkExec(file, req.Argv, attr)
	if err != nil {
		errno, _ = err.(syscall.Errno)
		if errno == 0 {
			errno = syscall.EINVAL // a NUL in an argument
		}
		return StageExec, errno, 0
	}
	return StageStarted, 0, pid
}

// prepare goes to the working directory and finds the program, both with the rights of the command's user. The child
// inherits the directory.
func (w *worker) prepare(req *Request) (string, Stage, syscall.Errno) {
	if req.Cred != nil && (req.Cred.UID != w.self.uid || req.Cred.GID != w.self.gid) {
		rights{uid: req.Cred.UID, gid: req.Cred.GID, groups: req.Cred.Groups}.become()
		defer w.self.become()
	}
	if err := syscall.Chdir(req.Cwd); err != nil {
		errno, _ := err.(syscall.Errno)
		if errno == 0 {
			errno = syscall.EINVAL
		}
		return "", StageCwd, errno
	}
	return lookup(req.Argv[0], req.Path)
}

func parseFds(oob []byte) []int {
	if len(oob) == 0 {
		return nil
	}
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	var fds []int
	for i := range msgs {
		if got, err := unix.ParseUnixRights(&msgs[i]); err == nil {
			fds = append(fds, got...)
		}
	}
	return fds
}

func readAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := syscall.Read(fd, b)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return syscall.EPIPE
		}
		b = b[n:]
	}
	return nil
}

func writeAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.SendmsgN(fd, b, nil, nil, unix.MSG_NOSIGNAL)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// PrestartThreads makes n threads of the runtime and lets them rest; it uses them again before it makes others.
func PrestartThreads(n int) {
	var up = make(chan struct{})
	release := make(chan struct{})
	for range n {
		go func() {
			runtime.LockOSThread()
			up <- struct{}{}
			<-release
			runtime.UnlockOSThread()
		}()
	}
	for range n {
		<-up
	}
	close(release)
}
