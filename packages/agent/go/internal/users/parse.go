package users

import (
	"strconv"
	"strings"
)

type groupEntry struct {
	name    string
	gid     uint32
	members string
}

// has looks a member up without splitting: a line may name thousands.
func (g groupEntry) has(name string) bool {
	rest := g.members
	for rest != "" {
		var m string
		m, rest, _ = strings.Cut(rest, ",")
		if strings.TrimSpace(m) == name {
			return true
		}
	}
	return false
}

// parsePasswd reads `name:password:uid:gid:gecos:home:shell`. The ids must be there, what follows them may be missing.
func parsePasswd(line string) (Identity, bool) {
	f := strings.SplitN(line, ":", 8)
	if len(f) < 4 || f[0] == "" || f[0][0] == '#' {
		return Identity{}, false
	}
	uid, ok1 := parseID(f[2])
	gid, ok2 := parseID(f[3])
	if !ok1 || !ok2 || !plain(f[0]) {
		return Identity{}, false
	}
	id := Identity{UID: uid, GID: gid, Name: f[0], Home: "/", Shell: "/bin/sh"}
	// HOME and SHELL go into an environment: a NUL would make every start fail, a relative home is no folder.
	if len(f) > 5 && strings.HasPrefix(f[5], "/") && !strings.ContainsRune(f[5], 0) {
		id.Home = f[5]
	}
	if len(f) > 6 && strings.HasPrefix(f[6], "/") && !strings.ContainsRune(f[6], 0) {
		id.Shell = f[6]
	}
	return id, true
}

// parseGroup reads `name:password:gid:member,member`.
func parseGroup(line string) (groupEntry, bool) {
	f := strings.SplitN(line, ":", 5)
	if len(f) < 3 || f[0] == "" || f[0][0] == '#' {
		return groupEntry{}, false
	}
	gid, ok := parseID(f[2])
	if !ok || !plain(f[0]) {
		return groupEntry{}, false
	}
	e := groupEntry{name: f[0], gid: gid}
	if len(f) > 3 {
		e.members = f[3]
	}
	return e, true
}

func parseID(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > maxID {
		return 0, false
	}
	return uint32(n), true
}
