package ports

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"

	"podkit.dev/agent/internal/users"
)

// maxCommand bounds the command line in an answer.
const maxCommand = 1024

// identityOf reads whose process it is. Its real ids: those are what the kernel compares, and where the effective ones differ
// (a setuid program) nobody but root may look anyway.
func identityOf(proc string, pid int) (users.Identity, bool) {
	return parseStatus(readSome(proc, pid, "status", 16<<10))
}

func parseStatus(b []byte) (id users.Identity, ok bool) {
	var gotUID, gotGID bool
	for _, line := range strings.Split(string(b), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		switch f[0] {
		case "Uid:":
			id.UID, gotUID = parseID(f[1])
		case "Gid:":
			id.GID, gotGID = parseID(f[1])
		}
	}
	id.Name = strconv.FormatUint(uint64(id.UID), 10)
	id.Groups = []uint32{id.GID}
	return id, gotUID && gotGID
}

func parseID(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n < 1<<32-1
}

// commandOf gives a process's arguments, or its short name where it has cleared them; "" where it is gone.
func commandOf(proc string, pid int) string {
	return command(readSome(proc, pid, "cmdline", maxCommand), readSome(proc, pid, "comm", 64))
}

func command(cmdline, comm []byte) string {
	text := bytes.TrimRight(cmdline, "\x00")
	if len(text) == 0 {
		text = bytes.TrimRight(comm, "\n")
	}
	text = bytes.ReplaceAll(text, []byte{0}, []byte{' '})
	return strings.ToValidUTF8(string(text), "\uFFFD")
}

func readSome(proc string, pid int, name string, most int64) []byte {
	f, err := os.Open(proc + "/" + strconv.Itoa(pid) + "/" + name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, most))
	return b
}
