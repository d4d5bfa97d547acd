package files

import (
	"archive/tar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"podkit.dev/agent/internal/users"
)

const asUser = "PODKIT_TEST_AS_USER"

// Where the agent cannot be root it serves its own user, and refuses others. The test runs itself again as one.
func TestAgentThatIsNotRoot(t *testing.T) {
	if os.Getenv(asUser) == "" {
		if os.Geteuid() != 0 {
			t.Skip("needs root, to become somebody else")
		}
		// By an open file, as the path to the test's program is closed to others.
		self, err := os.Open("/proc/self/exe")
		if err != nil {
			t.Fatal(err)
		}
		defer self.Close()
		cmd := exec.Command("/proc/self/fd/3", "-test.run=^TestAgentThatIsNotRoot$", "-test.v")
		cmd.ExtraFiles = []*os.File{self}
		cmd.Dir = "/"
		cmd.Env = []string{asUser + "=1", "TMPDIR=/tmp"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: alice, Gid: alice}}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	e := serve(t, Options{Pool: pool(), User: func(spec string) (users.Identity, error) {
		if spec == "" {
			return users.Self("/"), nil
		}
		return users.Resolve(spec, "/")
	}})
	for _, user := range []string{"", "4000"} {
		e.put("/content", "text", "path", "a/b", "user", user).info(t)
		e.is(filepath.Join(e.dir, "a/b"), "text", alice, 0o644)
		e.put("/tar", archive(t, file("x", "y", 0o600), link(tar.TypeSymlink, "l", "x")), "path", "t", "user", user).want(t, 204, "")
		e.is(filepath.Join(e.dir, "t/x"), "y", alice, 0o600)
	}
	for _, user := range []string{"0", "4100"} {
		e.get("/content", "path", "a/b", "user", user).want(t, 403, "permission_denied")
		e.put("/content", "x", "path", "c", "user", user).want(t, 403, "permission_denied")
	}
	e.get("/content", "path", "/etc/shadow").want(t, 403, "permission_denied")
	if got := e.names(e.dir); len(got) != 2 {
		t.Errorf("%q", got)
	}
}
