package fsuser

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"podkit.dev/agent/internal/apierr"
	"podkit.dev/agent/internal/users"
)

var bg = context.Background()

func other(uid uint32, groups ...uint32) users.Identity {
	return users.Identity{UID: uid, GID: uid + 1, Groups: append([]uint32{uid + 1}, groups...), Name: "other"}
}

// rootPool is for what only root can do.
func rootPool(t testing.TB, n int) *Pool {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	p := New(n)
	if !p.CanSwitch() {
		t.Fatal("root, but the pool cannot switch users")
	}
	return p
}

// openDir is a folder that any user may write to; t.TempDir's parents are closed to others.
func openDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "fsuser")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func owner(t *testing.T, path string) (uid, gid uint32) {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	sys := st.Sys().(*syscall.Stat_t)
	return sys.Uid, sys.Gid
}

func TestDoHasTheUsersRights(t *testing.T) {
	p := rootPool(t, 1)
	dir := openDir(t)
	secret := filepath.Join(dir, "secret")
	shared := filepath.Join(dir, "shared")
	for path, mode := range map[string]fs.FileMode{secret: 0o600, shared: 0o640} {
		if err := os.WriteFile(path, []byte("x"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(shared, 0, 7777); err != nil {
		t.Fatal(err)
	}
	made := filepath.Join(dir, "made")
	err := p.Do(bg, other(4000, 7777), func() error {
		if _, err := os.ReadFile(shared); err != nil {
			t.Errorf("by a supplementary group: %v", err)
		}
		if err := os.Chown(made, 0, 0); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("chown of nothing: %v", err)
		}
		if err := os.WriteFile(made, nil, 0o644); err != nil {
			return err
		}
		if err := os.Chown(made, 0, 0); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a user could give a file to root: %v", err)
		}
		_, err := os.ReadFile(secret)
		return err
	})
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("reading root's file: %v", err)
	}
	if uid, gid := owner(t, made); uid != 4000 || gid != 4001 {
		t.Errorf("owner %d:%d", uid, gid)
	}
	// The same thread has the agent's rights again, groups too.
	if err := p.DoSelf(bg, func() error { return os.WriteFile(secret, []byte("y"), 0) }); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if err := p.Do(bg, other(4000), func() error { _, err := os.ReadFile(shared); return err }); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("the groups of an earlier job are still there: %v", err)
	}
}

func TestPanicIsAnErrorAndRestores(t *testing.T) {
	p := rootPool(t, 1)
	err := p.Do(bg, other(4000), func() error { panic("oh") })
	if !apierr.Is(err, apierr.CodeInternal) {
		t.Errorf("%v", err)
	}
	path := filepath.Join(openDir(t), "f")
	if err := p.DoSelf(bg, func() error { return os.WriteFile(path, nil, 0o600) }); err != nil {
		t.Fatal(err)
	}
	if uid, gid := owner(t, path); uid != 0 || gid != 0 {
		t.Errorf("owner %d:%d", uid, gid)
	}
}

func TestMinusOneIsNobody(t *testing.T) {
	p := rootPool(t, 1)
	for _, id := range []users.Identity{{UID: query, GID: 1}, {UID: 1, GID: query}} {
		ran := false
		err := p.Do(bg, id, func() error { ran = true; return nil })
		if !apierr.Is(err, apierr.CodePermissionDenied) || ran {
			t.Errorf("%d:%d: %v, ran %v", id.UID, id.GID, err, ran)
		}
	}
}

func threads(t *testing.T) int {
	t.Helper()
	e, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(e)
}

func TestManyUsersAtOnceWithoutNewThreads(t *testing.T) {
	p := rootPool(t, 3)
	dir := openDir(t)
	before := threads(t)
	var wg sync.WaitGroup
	for n := range 200 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			path := filepath.Join(dir, "f"+string(rune('0'+n%10))+string(rune('a'+n/10)))
			id := other(5000 + uint32(n))
			if err := p.Do(bg, id, func() error { return os.WriteFile(path, nil, 0o644) }); err != nil {
				t.Error(err)
				return
			}
			if uid, gid := owner(t, path); uid != id.UID || gid != id.GID {
				t.Errorf("owner %d:%d, want %d:%d", uid, gid, id.UID, id.GID)
			}
		}()
	}
	wg.Wait()
	// The runtime may add a few threads of its own for the stats above; one a job would be 200.
	if after := threads(t); after > before+20 {
		t.Errorf("%d threads before, %d after", before, after)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	p := New(1)
	inside, release := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- p.DoSelf(bg, func() error { close(inside); <-release; return nil })
	}()
	<-inside
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if err := p.DoSelf(ctx, func() error { t.Error("it ran"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Errorf("the running job: %v", err)
	}
}

// fake is a thread's ids without a kernel.
type fake struct {
	mu       sync.Mutex
	uid, gid uint32
	// stuck makes every change of fsuid after `stuck` further ones do nothing; < 0 is never.
	stuck    int
	noGroups bool
}

func (f *fake) setgroups([]uint32) error {
	if f.noGroups {
		return syscall.EPERM
	}
	return nil
}

func (f *fake) setfsgid(g uint32) uint32 {
	was := f.gid
	if g != query {
		f.gid = g
	}
	return was
}

func (f *fake) setfsuid(u uint32) uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.uid
	if u == query {
		return was
	}
	if f.stuck == 0 {
		return was
	}
	f.stuck--
	f.uid = u
	return was
}

func TestThreadThatCannotGoBackIsDiscarded(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	f := &fake{stuck: -1}
	p := newPool(1, f)
	f.mu.Lock()
	f.stuck = 1 // to the user, but not back
	f.mu.Unlock()
	if err := p.Do(bg, other(4000), func() error { return nil }); err != nil {
		t.Fatalf("the job itself: %v", err)
	}
	ctx, cancel := context.WithTimeout(bg, 10*time.Second)
	defer cancel()
	err := p.DoSelf(ctx, func() error { t.Error("it ran on the broken thread"); return nil })
	if !apierr.Is(err, apierr.CodeInternal) {
		t.Errorf("with no thread left: %v", err)
	}
}

func TestWithoutTheRightToSwitch(t *testing.T) {
	p := newPool(2, &fake{stuck: -1, noGroups: true})
	if p.CanSwitch() {
		t.Fatal("it believes that it can switch")
	}
	ran := false
	err := p.Do(bg, other(p.Own().UID+1), func() error { ran = true; return nil })
	if !apierr.Is(err, apierr.CodePermissionDenied) || ran {
		t.Errorf("another user: %v, ran %v", err, ran)
	}
	if err := p.Do(bg, users.Identity{UID: p.Own().UID, GID: p.Own().GID}, func() error { ran = true; return nil }); err != nil || !ran {
		t.Errorf("itself: %v, ran %v", err, ran)
	}
}

func BenchmarkDo(b *testing.B) {
	p := rootPool(b, DefaultSize)
	id := other(4000)
	for b.Loop() {
		if err := p.Do(bg, id, func() error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
