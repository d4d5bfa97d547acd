// Package users turns what a client calls a user into ids, from /etc/passwd and /etc/group of the image.
//
// Both files belong to the sandbox and are hostile: they may be missing, endless, a FIFO, or full of nonsense.
package users

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"podkit.dev/agent/internal/apierr"
)

// maxID is the highest id there is; the one above is the kernel's "leave it as it is", and must never get through.
const maxID = 1<<32 - 2

// maxSpec bounds a user specification; no system allows names of this length.
const maxSpec = 256

// Identity is whose rights something has.
type Identity struct {
	UID, GID uint32
	// Groups are the supplementary groups, GID among them or not.
	Groups []uint32
	// Name is the name in /etc/passwd, or the number where there is none.
	Name string
	// Home is the home folder, "/" where it is not known.
	Home string
	// Shell is the login shell, "/bin/sh" where it is not known.
	Shell string
}

// Same says whether both have the same rights.
func (i Identity) Same(o Identity) bool {
	if i.UID != o.UID || i.GID != o.GID || len(i.Groups) != len(o.Groups) {
		return false
	}
	for n, g := range i.Groups {
		if o.Groups[n] != g {
			return false
		}
	}
	return true
}

// Resolve finds the identity that spec names: `name`, `uid`, `uid:gid` or `name:group` (and the mixed forms). root is
// the folder that etc/passwd and etc/group are looked up in, "/" in a container.
//
// As container engines do: digits are an id even if a user is called so; an id needs no entry and then has the group 0;
// supplementary groups come from /etc/group unless a group is named.
func Resolve(spec, root string) (Identity, error) {
	user, group, hasGroup, err := split(spec)
	if err != nil {
		return Identity{}, err
	}
	id, known, err := findUser(user, root)
	if err != nil {
		return Identity{}, err
	}
	if hasGroup {
		gid, err := findGroup(group, root)
		if err != nil {
			return Identity{}, err
		}
		id.GID = gid
		id.Groups = []uint32{gid}
		return id, nil
	}
	id.Groups = []uint32{id.GID}
	if known {
		id.Groups = memberships(id, root)
	}
	return id, nil
}

// Self is the identity of the agent itself, with names from root's /etc/passwd.
func Self(root string) Identity {
	uid, gid := uint32(os.Geteuid()), uint32(os.Getegid())
	id, _, err := findUser(strconv.FormatUint(uint64(uid), 10), root)
	if err != nil {
		id = numeric(uid)
	}
	id.GID = gid
	groups, err := os.Getgroups()
	if err != nil || len(groups) == 0 {
		groups = []int{int(gid)}
	}
	for _, g := range groups {
		id.Groups = append(id.Groups, uint32(g))
	}
	return id
}

func split(spec string) (user, group string, hasGroup bool, err error) {
	if spec == "" || len(spec) > maxSpec {
		return "", "", false, apierr.InvalidArgument("a user has 1 to %d bytes: name, uid, uid:gid or name:group", maxSpec)
	}
	user, group, hasGroup = strings.Cut(spec, ":")
	if user == "" || (hasGroup && group == "") || !plain(user) || !plain(group) {
		return "", "", false, apierr.InvalidArgument("user %q: it must be name, uid, uid:gid or name:group", spec)
	}
	return user, group, hasGroup, nil
}

// plain refuses what can be no name in passwd: its separators, and control characters.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == ':' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

func numeric(uid uint32) Identity {
	return Identity{UID: uid, Name: strconv.FormatUint(uint64(uid), 10), Home: "/", Shell: "/bin/sh"}
}

func findUser(user, root string) (id Identity, known bool, err error) {
	isNumber, uid, err := number(user)
	if err != nil {
		return Identity{}, false, err
	}
	found := false
	eachLine(filepath.Join(root, "etc/passwd"), func(line string) bool {
		e, ok := parsePasswd(line)
		if !ok || (isNumber && e.UID != uid) || (!isNumber && e.Name != user) {
			return true
		}
		id, found = e, true
		return false
	})
	switch {
	case found:
		return id, true, nil
	case isNumber:
		return numeric(uid), false, nil
	default:
		return Identity{}, false, apierr.NotFound("user %q is not in /etc/passwd of the image; a number needs no entry", user).
			With("user", user)
	}
}

func findGroup(group, root string) (uint32, error) {
	isNumber, gid, err := number(group)
	if err != nil || isNumber {
		return gid, err
	}
	found := false
	eachLine(filepath.Join(root, "etc/group"), func(line string) bool {
		e, ok := parseGroup(line)
		if ok && e.name == group {
			gid, found = e.gid, true
		}
		return !found
	})
	if !found {
		return 0, apierr.NotFound("group %q is not in /etc/group of the image; a number needs no entry", group).
			With("group", group)
	}
	return gid, nil
}

// memberships gives the groups that a login would have: the main one first, then those that name the user.
func memberships(id Identity, root string) []uint32 {
	groups := []uint32{id.GID}
	seen := map[uint32]bool{id.GID: true}
	eachLine(filepath.Join(root, "etc/group"), func(line string) bool {
		if e, ok := parseGroup(line); ok && !seen[e.gid] && e.has(id.Name) {
			seen[e.gid] = true
			groups = append(groups, e.gid)
		}
		return len(groups) < maxGroups
	})
	return groups
}

// number says whether s is an id. Digits that are no id are an error rather than a name, so that a number which is too
// large is never taken for somebody else.
func number(s string) (bool, uint32, error) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false, 0, nil
		}
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > maxID {
		return false, 0, apierr.InvalidArgument("id %s: ids go from 0 to %d", s, uint32(maxID))
	}
	return true, uint32(n), nil
}
