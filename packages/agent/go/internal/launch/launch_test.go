package launch

import (
	"slices"
	"syscall"
	"testing"

	"podkit.dev/agent/internal/apierr"
	"podkit.dev/agent/internal/spawn"
	"podkit.dev/agent/internal/users"
)

func launcher(self users.Identity, env ...string) *Launcher {
	return &Launcher{
		Self: self, Env: env, WorkingDir: "/work",
		Resolve: func(spec string) (users.Identity, error) {
			if spec == "bob" {
				return users.Identity{UID: 1000, GID: 1000, Groups: []uint32{1000, 27}, Name: "bob", Home: "/home/bob"}, nil
			}
			return self, nil
		},
	}
}

var root = users.Identity{Groups: []uint32{0}, Name: "root", Home: "/root"}

func TestEnvironmentIsLaidOver(t *testing.T) {
	for name, c := range map[string]struct {
		env  []string
		over map[string]string
		user string
		want []string
	}{
		"missing ones are set":         {nil, nil, "", []string{"PATH=" + spawn.DefaultPath(), "HOME=/root"}},
		"the call wins":                {[]string{"A=1", "PATH=/x", "HOME=/h"}, map[string]string{"A": "2", "B": "3"}, "", []string{"PATH=/x", "HOME=/h", "A=2", "B=3"}},
		"another user's home":          {[]string{"HOME=/root", "PATH=/x"}, nil, "bob", []string{"PATH=/x", "HOME=/home/bob"}},
		"a home that was asked for":    {[]string{"HOME=/data", "PATH=/x"}, nil, "bob", []string{"HOME=/data", "PATH=/x"}},
		"the call's home wins as well": {[]string{"HOME=/root", "PATH=/x"}, map[string]string{"HOME": "/mine"}, "bob", []string{"PATH=/x", "HOME=/mine"}},
	} {
		l := launcher(root, c.env...)
		req, err := l.request(&Params{Argv: []string{"x"}, Env: c.over, User: c.user})
		if err != nil || !slices.Equal(req.Env, c.want) {
			t.Errorf("%s: %q %v", name, req.Env, err)
		}
	}
}

func TestCredentialsOnlyWhereTheyDiffer(t *testing.T) {
	l := launcher(root)
	if req, err := l.request(&Params{Argv: []string{"x"}}); err != nil || req.Cred != nil {
		t.Error(req.Cred, err)
	}
	req, err := l.request(&Params{Argv: []string{"x"}, User: "bob"})
	if err != nil || req.Cred == nil || req.Cred.UID != 1000 || len(req.Cred.Groups) != 2 {
		t.Error(req, err)
	}
	l = launcher(users.Identity{UID: 5, GID: 5})
	if _, err := l.request(&Params{Argv: []string{"x"}, User: "bob"}); !apierr.Is(err, apierr.CodePermissionDenied) {
		t.Error(err)
	}
}

func TestDir(t *testing.T) {
	l := launcher(root)
	for in, want := range map[string]string{"": "/work", "a/b": "/work/a/b", "/abs": "/abs", "../x": "/work/../x"} {
		if got := l.Dir(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestFailuresAreExplained(t *testing.T) {
	p := &Params{Argv: []string{"prog"}}
	req := &spawn.Request{Cwd: "/c", Cred: &spawn.Cred{UID: 7}}
	for in, want := range map[*spawn.Error]apierr.Code{
		{Stage: spawn.StageCwd, Errno: syscall.ENOENT}:  apierr.CodeNotFound,
		{Stage: spawn.StageCwd, Errno: syscall.ENOTDIR}: apierr.CodeNotFound,
		{Stage: spawn.StageCwd, Errno: syscall.EACCES}:  apierr.CodePermissionDenied,
		{Stage: spawn.StageExec, Errno: syscall.EAGAIN}: apierr.CodeResourceExhausted,
		{Stage: spawn.StageExec, Errno: syscall.EPERM}:  apierr.CodePermissionDenied,
		{Stage: spawn.StageExec, Errno: syscall.ENOMEM}: apierr.CodeResourceExhausted,
		{Stage: spawn.StageLimit, Errno: syscall.EPERM}: apierr.CodeInternal,
	} {
		if err := explain(in, p, req); !apierr.Is(err, want) {
			t.Errorf("%+v: %v", in, err)
		}
	}
	for errno, want := range map[syscall.Errno]int{syscall.ENOENT: 127, syscall.EACCES: 126, syscall.ENOEXEC: 126, syscall.E2BIG: 126} {
		e, ok := explain(&spawn.Error{Stage: spawn.StageExec, Errno: errno}, p, req).(*ProgramError)
		if !ok || e.Code != want {
			t.Errorf("%v: %+v", errno, e)
		}
	}
}
