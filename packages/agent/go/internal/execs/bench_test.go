package execs_test

import (
	"io"
	"os/exec"
	"sort"
	"sync"
	"testing"
	"time"

	"podkit.dev/agent/internal/agenttest"
	"podkit.dev/agent/internal/frame"
)

// BenchmarkTrue is one command after another; its figure is to be held against BenchmarkForkExec.
func BenchmarkTrue(b *testing.B) {
	a := agenttest.Start(b, nil)
	a.Run("true")
	times := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for range b.N {
		t := time.Now()
		a.Run("true")
		times = append(times, time.Since(t))
	}
	p50(b, times)
}

// BenchmarkForkExec is what the kernel alone takes.
func BenchmarkForkExec(b *testing.B) {
	times := make([]time.Duration, 0, b.N)
	for range b.N {
		t := time.Now()
		if err := exec.Command("/bin/true").Run(); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(t))
	}
	p50(b, times)
}

func p50(b *testing.B, times []time.Duration) {
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
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
	a := agenttest.Start(b, nil)
	b.SetBytes(100_000_000)
	for range b.N {
		s := a.Open(agenttest.ID(), agenttest.Spec{"argv": []string{"head", "-c", "100000000", "/dev/zero"}, "maxOutputBytes": nil})
		total := uint64(0)
		for {
			f, err := s.Next()
			if err != nil {
				if err != io.EOF {
					b.Fatal(err)
				}
				break
			}
			if f.Type == frame.Stdout {
				total += uint64(len(f.Payload) - 8)
				_ = s.Ack(total, 0)
			}
			if f.Type == frame.Exit {
				_ = s.Send(frame.Release, nil)
				break
			}
		}
		s.Cut()
		if total != 100_000_000 {
			b.Fatal(total)
		}
	}
}
