package files

import (
	"math"
	"net/url"
	"path"
	"strconv"
	"strings"

	"podkit.dev/agent/internal/apierr"
)

// maxPath is the protocol's bound for a path, and the kernel's.
const maxPath = 4096

// params reads query parameters.
type params struct {
	values     url.Values
	workingDir string
}

// path gives a path parameter, absolute.
func (p params) path(key string) (string, error) {
	s := p.values.Get(key)
	if s == "" {
		return "", apierr.InvalidArgument("`%s` is missing", key)
	}
	return absolute(p.workingDir, s)
}

// absolute checks a path and puts it below dir where it is relative. `..` stays where it is, for the kernel: behind a
// symbolic link it means another folder than the text says.
func absolute(dir, s string) (string, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return "", apierr.InvalidArgument("a path cannot have a NUL")
	}
	if len(s) > maxPath {
		return "", apierr.InvalidArgument("a path has at most %d bytes, this one %d", maxPath, len(s))
	}
	if s[0] != '/' {
		s = dir + "/" + s
	}
	slash := strings.HasSuffix(s, "/") || strings.HasSuffix(s, "/.")
	parts := strings.Split(s, "/")
	kept := parts[:0]
	for _, part := range parts {
		if part != "" && part != "." {
			kept = append(kept, part)
		}
	}
	s = "/" + strings.Join(kept, "/")
	if slash && s != "/" {
		// Kept, since it says that this must be a folder.
		s += "/"
	}
	if len(s) >= maxPath {
		return "", apierr.InvalidArgument("an absolute path has less than %d bytes, this one %d", maxPath, len(s))
	}
	return s, nil
}

// shown is the path as answers show it: without `..`, by the text, as its name would be none otherwise.
func shown(s string) string {
	if strings.Contains(s, "/..") {
		return path.Clean(s)
	}
	if s == "/" {
		return s
	}
	return strings.TrimSuffix(s, "/")
}

func base(s string) string { return path.Base(s) }

func (p params) flag(key string, def bool) (bool, error) {
	switch p.values.Get(key) {
	case "":
		return def, nil
	case "1", "true":
		return true, nil
	case "0", "false":
		return false, nil
	}
	return false, apierr.InvalidArgument("`%s` is 0 or 1, not %q", key, p.values.Get(key))
}

// number gives a whole number from min to max.
func (p params) number(key string, def, min, max int64) (int64, error) {
	s := p.values.Get(key)
	if s == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < min || n > max {
		return 0, apierr.InvalidArgument("`%s` is a whole number from %d to %d, not %q", key, min, max, s)
	}
	return n, nil
}

// size is a number of bytes.
func (p params) size(key string, def int64) (int64, error) {
	return p.number(key, def, 0, math.MaxInt64)
}

// mode gives permission bits. A plain number is decimal as in JSON; `0o644` and `0644` are octal.
func (p params) mode(key string, def uint32) (uint32, error) {
	s := p.values.Get(key)
	if s == "" {
		return def, nil
	}
	n, err := strconv.ParseUint(s, 0, 32)
	if err != nil || n > 0o7777 {
		return 0, apierr.InvalidArgument("`%s` is a number of permission bits from 0 to %d (or octal, as in 0o644), not %q", key, 0o7777, s)
	}
	return uint32(n), nil
}
