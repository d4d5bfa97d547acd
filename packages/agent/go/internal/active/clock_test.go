package active

import (
	"sync/atomic"
	"testing"
	"time"
)

func TestFrozenTimeDoesNotCount(t *testing.T) {
	var now atomic.Int64
	const interval = 100 * time.Millisecond
	c := New(interval)
	c.now = func() time.Duration { return time.Duration(now.Load()) }
	step := func(d time.Duration) time.Duration {
		now.Add(int64(d))
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.sample()
	}
	c.users = 1 // held, but sampled by hand
	at := step(0)
	for range 50 {
		at = step(interval)
	}
	if got := step(time.Hour); got-at > time.Second {
		t.Fatalf("an hour of frozen time counted as %v", got-at)
	}
	at = step(0)
	if got := step(slack); got-at != slack {
		t.Fatalf("a busy moment counted as %v", got-at)
	}
	// Nobody samples while nobody holds it, so a gap says nothing then.
	c.users = 0
	at = step(0)
	if got := step(time.Hour); got-at != time.Hour {
		t.Fatalf("%v", got-at)
	}
}

func TestAfterFunc(t *testing.T) {
	c := New(100 * time.Millisecond)
	fired := make(chan struct{})
	c.AfterFunc(10*time.Millisecond, func() { close(fired) })
	select {
	case <-fired:
	case <-time.After(10 * time.Second):
		t.Fatal("it never came")
	}
	cancel := c.AfterFunc(time.Hour, func() { t.Error("it came though it was called off") })
	cancel()
	cancel()
	deadline := time.Now().Add(10 * time.Second)
	for {
		c.mu.Lock()
		users := c.users
		c.mu.Unlock()
		if users == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d still hold the clock", users)
		}
	}
}
