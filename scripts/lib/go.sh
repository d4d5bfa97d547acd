# shellcheck shell=bash
# Sourced, after apt.sh. Finds Go, or gets it where that is allowed, or says what to install.

GO_MINIMUM=1.24 # unencrypted HTTP/2 is in its standard library
GO_FETCHED=1.26.8 # what is got where there is none
GO_FETCHED_DIR="$CACHE_DIR/go-$GO_FETCHED"

go_version() { GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null | sed 's/^go//'; }

# Debian's own Go is too old, but it can fetch a newer toolchain, which is a Go module like any other, checked by its sum.
fetch_go() {
  local old dir
  can_install || return 1
  have go || apt_install golang-go ca-certificates || return 1
  old="$(command -v go)"
  dir="$CACHE_DIR/go-modules"
  say "fetching Go $GO_FETCHED"
  GOTOOLCHAIN=local GOFLAGS=-modcacherw GOPATH="$dir" "$old" mod download \
    "golang.org/toolchain@v0.0.1-go$GO_FETCHED.linux-$(dpkg --print-architecture)" >&2 || return 1
  # Programs come without their executable bit out of a module.
  dir="$(echo "$dir"/pkg/mod/golang.org/toolchain@*"go$GO_FETCHED.linux-"*)"
  chmod -R u+w "$dir"
  chmod +x "$dir"/bin/* "$dir"/pkg/tool/*/*
  ln -sfn "$dir" "$GO_FETCHED_DIR"
}

# find_go: prints the path of a `go` that is new enough; 1 where there is none.
find_go() {
  local candidate version
  for candidate in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go/bin/go /usr/lib/go-*/bin/go "${HOME:-/root}/go/bin/go" "$GO_FETCHED_DIR/bin/go"; do
    [[ -n "$candidate" && -x "$candidate" ]] || continue
    version="$(go_version "$candidate")"
    if [[ -n "$version" ]] && version_at_least "$GO_MINIMUM" "$version"; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  return 1
}

# ensure_go: prints the path of a `go` that is new enough.
ensure_go() {
  find_go && return 0
  if fetch_go && find_go; then return 0; fi
  say "Go $GO_MINIMUM or newer is needed to build the agent, and none was found on PATH or in /usr/local/go."
  say "Install it from https://go.dev/dl/ (unpack into /usr/local/go), or on Debian from backports: apt-get install golang-1.24-go."
  return 1
}
