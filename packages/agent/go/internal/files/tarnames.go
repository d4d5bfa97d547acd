package files

import (
	"path"
	"strings"

	"podkit.dev/agent/internal/apierr"
)

// entryName checks the name of a tar's entry and gives it clean and relative; "" is the folder itself.
func entryName(name string) (string, error) {
	switch {
	case strings.IndexByte(name, 0) >= 0:
		return "", apierr.InvalidArgument("a name in the tar has a NUL")
	case len(name) > maxPath:
		return "", apierr.InvalidArgument("a name in the tar has %d bytes, more than %d", len(name), maxPath)
	case strings.HasPrefix(name, "/"):
		return "", apierr.InvalidArgument("a name in the tar is absolute: %q", name)
	}
	for _, part := range strings.Split(name, "/") {
		switch {
		case part == "..":
			return "", apierr.InvalidArgument("a name in the tar has `..`: %q", name)
		case len(part) > 255:
			return "", apierr.InvalidArgument("a name in the tar has a part of %d bytes, more than 255", len(part))
		}
	}
	if name = path.Clean(name); name == "." {
		return "", nil
	}
	if strings.Count(name, "/") >= maxTarNesting {
		return "", apierr.InvalidArgument("folders in the tar are nested deeper than %d", maxTarNesting)
	}
	return name, nil
}

// linkTarget checks what a symbolic link in a tar says. It is judged by its text, as nothing below may exist yet; that
// nobody is led out over several links is beneath's work.
func linkTarget(name, target string, whole bool) error {
	switch {
	case target == "" || strings.IndexByte(target, 0) >= 0 || len(target) >= maxPath:
		return apierr.InvalidArgument("the symbolic link %q in the tar has no good target", name)
	case strings.HasPrefix(target, "/"):
		if whole {
			return nil
		}
		return apierr.InvalidArgument("the symbolic link %q in the tar is absolute: %q", name, target)
	}
	depth := strings.Count(name, "/")
	for _, part := range strings.Split(target, "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; depth < 0 && !whole {
				return apierr.InvalidArgument("the symbolic link %q in the tar leads out of the folder: %q", name, target)
			}
		default:
			depth++
		}
	}
	return nil
}

// parent splits a clean relative name.
func parent(name string) (dir, last string) {
	if n := strings.LastIndexByte(name, '/'); n >= 0 {
		return name[:n], name[n+1:]
	}
	return "", name
}
