package execs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"podkit.dev/agent/internal/agenttest"
	"podkit.dev/agent/internal/frame"
)

// BenchmarkTrue is one command after another, in turns with what fork and exec alone take.
func BenchmarkTrue(b *testing.B) {
	a := agenttest.Start(b, nil)
	a.Run("true")
	var ours, bare []time.Duration
	sw := switches(a.Cmd.Process.Pid)
	before := cpu(b, a.Cmd.Process.Pid)
	b.ResetTimer()
	for range b.N {
		t := time.Now()
		s := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"/bin/true"}})
		if _, err := s.Collect(&agenttest.Result{}); err != nil {
			b.Fatal(err)
		}
		ours = append(ours, time.Since(t))
		s.Finish()
		t = time.Now()
		if err := exec.Command("/bin/true").Run(); err != nil {
			b.Fatal(err)
		}
		bare = append(bare, time.Since(t))
	}
	b.ReportMetric(quantile(ours, 0.5), "p50-µs")
	b.ReportMetric(quantile(bare, 0.5), "bare-p50-µs")
	b.ReportMetric(quantile(ours, 0.1), "p10-µs")
	b.ReportMetric(quantile(bare, 0.1), "bare-p10-µs")
	b.ReportMetric(float64(switches(a.Cmd.Process.Pid)-sw)/float64(b.N), "switches")
	b.ReportMetric((cpu(b, a.Cmd.Process.Pid)-before)*1e6/float64(b.N), "agent-cpu-µs")
}

func quantile(times []time.Duration, q float64) float64 {
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	return float64(times[int(float64(len(times))*q)].Microseconds())
}

// cpu gives the seconds of processor time that a process has used.
func cpu(b *testing.B, pid int) float64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		b.Fatal(err)
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')'):]))
	u, _ := strconv.Atoi(f[12])
	s, _ := strconv.Atoi(f[13])
	return float64(u+s) / 100
}

// BenchmarkTrue16 is 16 at once.
func BenchmarkTrue16(b *testing.B) {
	a := agenttest.Start(b, nil)
	a.Run("true")
	b.ResetTimer()
	var wg sync.WaitGroup
	todo := make(chan struct{}, b.N)
	for range b.N {
		todo <- struct{}{}
	}
	close(todo)
	for range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range todo {
				a.Run("true")
			}
		}()
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "per-s")
}

// BenchmarkStream is output under flow control.
func BenchmarkStream(b *testing.B) {
	const size = 100_000_000
	a := agenttest.Start(b, nil)
	b.SetBytes(size)
	for range b.N {
		s := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"head", "-c", strconv.Itoa(size), "/dev/zero"}, "maxOutputBytes": nil})
		total := uint64(0)
		for {
			f, err := s.Next()
			if err != nil {
				b.Fatal(err)
			}
			if f.Type == frame.Stdout {
				total += uint64(len(f.Payload) - frame.OffsetLen)
				_ = s.Ack(total, 0)
			}
			if f.Type == frame.Exit {
				_ = s.Send(frame.Release, nil)
				break
			}
		}
		s.Cut()
		if total != size {
			b.Fatal(total)
		}
	}
}

// switches gives how often the threads of a process were switched.
func switches(pid int) (n int) {
	files, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/status")
	for _, f := range files {
		text, _ := os.ReadFile(f)
		for _, line := range strings.Split(string(text), "\n") {
			if name, v, ok := strings.Cut(line, ":"); ok && strings.HasSuffix(name, "_ctxt_switches") {
				k, _ := strconv.Atoi(strings.TrimSpace(v))
				n += k
			}
		}
	}
	return n
}
