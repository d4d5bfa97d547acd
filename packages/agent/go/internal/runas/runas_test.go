package runas

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestMain lets the test binary be the program that is tested: exec replaces it.
func TestMain(m *testing.M) {
	if os.Getenv("RUNAS_TEST") != "" {
		os.Exit(Run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

func runAs(t *testing.T, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "RUNAS_TEST=1")
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func TestRunsAsTheUserWithNothingLeft(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	out, code := runAs(t, "65534:65534", "--", "sh", "-c", "id -u; id -g; id -G; grep -E 'Cap(Prm|Eff)' /proc/self/status; kill -0 1 2>&1; exit 7")
	if code != 7 {
		t.Fatalf("code %d: %s", code, out)
	}
	for _, want := range []string{"65534\n65534\n65534\n", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "not permitted"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
}

func TestFailures(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"0", "--", "/no/such/program"}, 127},
		{[]string{"0", "--", "no-such-program"}, 127},
		{[]string{"0", "--", "/etc/passwd"}, 126},
		{[]string{"no-such-user", "--", "true"}, 93},
		{[]string{"0", "true"}, 93},
		{nil, 93},
	} {
		if out, code := runAs(t, c.args...); code != c.code {
			t.Errorf("%q: code %d, not %d: %s", c.args, code, c.code, out)
		}
	}
}
