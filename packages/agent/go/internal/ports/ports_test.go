package ports

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"podkit.dev/agent/internal/fsuser"
	"podkit.dev/agent/internal/users"
)

var pool = sync.OnceValue(func() *fsuser.Pool { return fsuser.New(2) })

// listen opens a socket and hands it to a program of another user, so that only that one holds it.
func listen(t *testing.T, network, addr string, uid uint32) (port uint16, pid int) {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Skipf("%s %s: %v", network, addr, err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command("/bin/sleep", "600")
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{f}
	if uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid + 1}}
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("a listener as uid %d: %v", uid, err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return uint16(l.Addr().(*net.TCPAddr).Port), cmd.Process.Pid
}

func find(t *testing.T, ports []Port, port uint16) Port {
	t.Helper()
	for _, p := range ports {
		if p.Port == port {
			return p
		}
	}
	t.Fatalf("port %d is not in %+v", port, ports)
	return Port{}
}

func TestPortsOverHTTP(t *testing.T) {
	port4, pid4 := listen(t, "tcp4", "127.0.0.1:0", 0)
	h := New(Options{Pool: pool(), OwnerOf: func(pid int) (string, string) {
		if pid == pid4 {
			return "process", "some-id-1"
		}
		return "", ""
	}})
	mux := http.NewServeMux()
	h.Register(mux)
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, httptest.NewRequest("GET", "/v1/ports", nil))
	var answer struct{ Ports []Port }
	if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || rec.Code != 200 {
		t.Fatalf("%d %v %s", rec.Code, err, rec.Body)
	}
	p := find(t, answer.Ports, port4)
	if p.Address != "127.0.0.1" || p.PID == nil || *p.PID != pid4 || *p.Command != "/bin/sleep 600" || *p.Owner != (Owner{"process", "some-id-1"}) {
		t.Errorf("%+v", p)
	}
	port6, pid6 := listen(t, "tcp6", "[::1]:0", 0)
	ports, err := h.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p := find(t, ports, port6); p.Address != "::1" || *p.PID != pid6 || p.Owner != nil {
		t.Errorf("%+v", p)
	}
}

const inner = "PODKIT_TEST_WITHOUT_PTRACE"

// Docker's containers have no CAP_SYS_PTRACE. The test runs itself again without it.
func TestOtherUsersWithoutPtrace(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	// Where it is gone already it cannot be dropped either.
	has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, unix.CAP_SYS_PTRACE, 0, 0, 0)
	if os.Getenv(inner) == "" && err == nil && has == 1 {
		again := make(chan *exec.Cmd)
		go func() {
			// Of this thread alone, which ends with the goroutine: it stays locked.
			runtime.LockOSThread()
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_PTRACE, 0, 0, 0); err != nil {
				t.Error(err)
			}
			cmd := exec.Command(os.Args[0], "-test.run=^TestOtherUsersWithoutPtrace$", "-test.v")
			cmd.Env = append(os.Environ(), inner+"=1")
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Run(); err != nil || !strings.Contains(out.String(), "--- PASS") {
				t.Errorf("%v\n%s", err, &out)
			}
			again <- cmd
		}()
		<-again
		return
	}
	port, pid := listen(t, "tcp4", "127.0.0.1:0", 4000)
	if _, err := socketsOf("/proc", pid, nil); !isDenied(err) {
		t.Fatalf("root alone was not refused: %v", err)
	}
	ports, err := New(Options{Pool: pool()}).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p := find(t, ports, port); p.PID == nil || *p.PID != pid {
		t.Errorf("by the pool: %+v", p)
	}
}

// Where the pool cannot act as others the helper does the look-up.
func TestHelperIsAskedForWhatIsRefused(t *testing.T) {
	port, pid := listen(t, "tcp4", "127.0.0.1:0", 0)
	sockets, err := listening("/proc")
	if err != nil {
		t.Fatal(err)
	}
	s := newSearch("/proc", sockets)
	var asked users.Identity
	h := New(Options{Pool: pool(), Executable: "/agent", RunAs: func(_ context.Context, id users.Identity, argv []string) ([]byte, error) {
		asked = id
		if !reflect.DeepEqual(argv, []string{"/agent", HelperName, strconv.Itoa(pid)}) {
			t.Errorf("%q", argv)
		}
		var out bytes.Buffer
		code := HelperMain(argv[2:], &out)
		if code != 0 {
			t.Errorf("code %d", code)
		}
		return out.Bytes(), nil
	}})
	h.proc = fakeProc(t, pid) // whose fd folder refuses everybody
	s.proc = h.proc
	h.askOthers(t.Context(), s, []int{pid})
	if asked.UID != 4000 || asked.GID != 4001 {
		t.Errorf("asked as %+v", asked)
	}
	for _, sock := range sockets {
		if sock.addr.Port() == port && s.holder[sock.inode] != pid {
			t.Errorf("holder %d, want %d", s.holder[sock.inode], pid)
		}
	}
}

func fakeProc(t *testing.T, pid int) string {
	dir, err := os.MkdirTemp("/tmp", "proc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	os.Chmod(dir, 0o755)
	p := dir + "/" + strconv.Itoa(pid)
	os.MkdirAll(p+"/fd", 0o755)
	os.Chmod(p+"/fd", 0o000)
	if err := os.WriteFile(p+"/status", []byte("Name:\tx\nUid:\t4000\t4000\t4000\t4000\nGid:\t4001\t4001\t4001\t4001\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestHelperMain(t *testing.T) {
	for _, bad := range [][]string{{}, {"x"}, {"0"}, {"-5"}, {"1;2"}, make([]string, maxHelperPids+1)} {
		var out bytes.Buffer
		if code := HelperMain(bad, &out); code != 2 || out.Len() > 0 {
			t.Errorf("%.20q: code %d, %q", bad, code, &out)
		}
	}
	// Only those asked about count.
	got, err := readHelper([]byte(`{"12":[5,6],"13":[7],"x":[1]}`), []int{12, 14})
	if err != nil || !reflect.DeepEqual(got, map[int][]uint64{12: {5, 6}}) {
		t.Errorf("%v %v", got, err)
	}
	if _, err := readHelper([]byte(`nonsense`), []int{1}); err == nil {
		t.Error("nonsense was read")
	}
}

func TestParseTable(t *testing.T) {
	text := `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 170934 1 0000000087ac1156 100 0 0 10 0
   1: 0100007F:1F91 00000000:0000 01 00000000:00000000 00:00000000 00000000  1000        0 170935 1 0000000087ac1156 100 0 0 10 0
   2: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 9 1 0 100 0 0 10 0
   3: 0000000000000000FFFF00000100007F:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 10 1 0 100 0 0 10 0
   4: B80D01200000000000000000EFBEADDE:FFFF 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100 0 0 10 0
   5: nonsense
   6: 0100007F:0000 00000000:0000 0A 0 0 0 0 0 12
`
	if binaryIsBig() {
		t.Skip("the text is of a little-endian machine")
	}
	got, err := parseTable(strings.NewReader(text), 10)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, s := range got {
		all = append(all, s.addr.String()+" "+strconv.FormatUint(s.inode, 10))
	}
	want := []string{"127.0.0.1:8080 170934", "[::1]:80 9", "127.0.0.1:81 10", "[2001:db8::dead:beef]:65535 11"}
	if !reflect.DeepEqual(all, want) {
		t.Errorf("%q", all)
	}
	if got, _ := parseTable(strings.NewReader(text), 2); len(got) != 2 {
		t.Errorf("bounded: %v", got)
	}
}

func binaryIsBig() bool { return runtime.GOARCH == "s390x" }

func FuzzParseTable(f *testing.F) {
	f.Add("   0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 1000 0 170934 1 0 100")
	f.Add("   0: 00000000000000000000000001000000:0050 0:0 0A 0:0 0:0 0 1000 0 170934 1 0 100")
	f.Fuzz(func(t *testing.T, text string) {
		got, _ := parseTable(strings.NewReader(text), 10)
		for _, s := range got {
			if !s.addr.IsValid() || s.addr.Port() == 0 || s.addr.Addr().Is4In6() {
				t.Fatalf("%v", s)
			}
		}
		parseStatus([]byte(text))
		command([]byte(text), []byte(text))
		socketInode(text)
		if m, err := readHelper([]byte(text), []int{1, 2}); err == nil && len(m) > 2 {
			t.Fatal(m)
		}
	})
}
