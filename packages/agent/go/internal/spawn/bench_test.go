package spawn_test

import (
	"context"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"podkit.dev/agent/internal/spawn"
)

// BenchmarkStart is a start and its end through the spawner, without HTTP.
func BenchmarkStart(b *testing.B) {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	fd := int(null.Fd())
	var started, ended []time.Duration
	for range b.N {
		t := time.Now()
		end := make(chan struct{})
		req := &spawn.Request{Argv: []string{"/bin/true"}, Cwd: "/", Path: "/bin"}
		if _, err := shared().Start(context.Background(), req, [3]int{fd, fd, fd}, func(syscall.WaitStatus) { close(end) }); err != nil {
			b.Fatal(err)
		}
		started = append(started, time.Since(t))
		<-end
		ended = append(ended, time.Since(t))
	}
	for name, l := range map[string][]time.Duration{"started": started, "ended": ended} {
		slices.Sort(l)
		b.ReportMetric(float64(l[len(l)/2].Microseconds()), name+"-p50-µs")
		b.ReportMetric(float64(l[len(l)/10].Microseconds()), name+"-p10-µs")
	}
}
