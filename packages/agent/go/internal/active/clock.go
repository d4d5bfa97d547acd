// Package active measures time that does not run on while the container is frozen.
package active

import (
	"sync"
	"time"
)

// slack is what a busy machine may add to the interval between two samples; a longer gap is a freeze.
const slack = 2 * time.Second

// Clock is a monotonic clock less the time that the process was frozen (docker pause). The kernel's clocks run on
// meanwhile, so it samples, and takes a gap that is much longer than the sampling interval for a freeze.
//
// It samples only while somebody needs it.
type Clock struct {
	now      func() time.Duration
	interval time.Duration

	mu     sync.Mutex
	last   time.Duration
	frozen time.Duration
	users  int
	stop   chan struct{}
}

// New makes a Clock that samples so often.
func New(interval time.Duration) *Clock {
	start := time.Now()
	return &Clock{interval: interval, now: func() time.Duration { return time.Since(start) }}
}

// Now gives the time since some moment, less what was frozen while the clock was held.
func (c *Clock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sample()
}

func (c *Clock) sample() time.Duration {
	now := c.now()
	if gap := now - c.last; c.users > 0 && gap > c.interval+slack {
		c.frozen += gap - c.interval
	}
	c.last = now
	return now - c.frozen
}

// Hold begins to sample, until the function that it gives is called.
func (c *Clock) Hold() (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sample()
	c.users++
	if c.users == 1 {
		c.stop = make(chan struct{})
		go c.run(c.stop)
	}
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sample()
		c.users--
		if c.users == 0 {
			close(c.stop)
		}
	})
}

func (c *Clock) run(stop chan struct{}) {
	t := time.NewTicker(c.interval)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			c.Now()
		case <-stop:
			return
		}
	}
}

// AfterFunc calls fn once d of unfrozen time has gone. The function that it gives calls it off.
func (c *Clock) AfterFunc(d time.Duration, fn func()) (cancel func()) {
	release := c.Hold()
	due := c.Now() + d
	var mu sync.Mutex
	done := false
	var t *time.Timer
	finish := func() bool {
		if done {
			return false
		}
		done = true
		release()
		return true
	}
	mu.Lock()
	defer mu.Unlock()
	t = time.AfterFunc(d, func() {
		mu.Lock()
		if left := due - c.Now(); left > 0 && !done {
			t.Reset(left)
			mu.Unlock()
			return
		}
		ok := finish()
		mu.Unlock()
		if ok {
			fn()
		}
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		t.Stop()
		finish()
	}
}
