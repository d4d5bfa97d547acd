package ports

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"podkit.dev/agent/internal/apierr"
)

// maxSockets bounds what one answer lists; the client takes no more either.
const maxSockets = 65536

// socket is a listening TCP socket.
type socket struct {
	addr  netip.AddrPort
	inode uint64
}

// listening reads the kernel's tables of the network namespace that this process is in.
func listening(proc string) ([]socket, error) {
	var all []socket
	for _, name := range []string{"tcp", "tcp6"} {
		f, err := os.Open(proc + "/self/net/" + name)
		if errors.Is(err, os.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, apierr.Wrap(err, "listing sockets")
		}
		some, err := parseTable(f, maxSockets-len(all))
		f.Close()
		if err != nil {
			return nil, apierr.Wrap(err, "listing sockets")
		}
		all = append(all, some...)
	}
	return all, nil
}

// parseTable reads a table such as /proc/net/tcp and gives its listening sockets. Lines that it does not understand are
// passed over.
func parseTable(r io.Reader, most int) ([]socket, error) {
	var all []socket
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 4096), 4096)
	for s.Scan() && len(all) < most {
		if sock, ok := parseLine(s.Text()); ok {
			all = append(all, sock)
		}
	}
	return all, s.Err()
}

// stateListen is TCP_LISTEN.
const stateListen = "0A"

// parseLine reads `sl: local remote state queues timer retransmits uid timeout inode …`.
func parseLine(line string) (socket, bool) {
	f := strings.Fields(line)
	if len(f) < 10 || f[3] != stateListen {
		return socket{}, false
	}
	addr, ok := parseAddress(f[1])
	if !ok {
		return socket{}, false
	}
	inode, err := strconv.ParseUint(f[9], 10, 64)
	if err != nil {
		return socket{}, false
	}
	return socket{addr: addr, inode: inode}, true
}

// parseAddress reads `0100007F:1F90`: words of 32 bits, each in the machine's byte order, and the port.
func parseAddress(s string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(s, ":")
	if !ok || (len(host) != 8 && len(host) != 32) {
		return netip.AddrPort{}, false
	}
	raw, err := hex.DecodeString(host)
	if err != nil {
		return netip.AddrPort{}, false
	}
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil || n == 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		// Printed as a number with its highest digit first; as memory it is the address in network order.
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	addr, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), ok
}
