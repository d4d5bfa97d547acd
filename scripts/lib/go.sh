# shellcheck shell=bash
# Sourced. Finds Go, or says what to install.

GO_MINIMUM=1.24 # unencrypted HTTP/2 is in its standard library

go_version() { "$1" env GOVERSION 2>/dev/null | sed 's/^go//'; }

# ensure_go: prints the path of a `go` that is new enough.
ensure_go() {
  local candidate version found=""
  for candidate in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go/bin/go /usr/lib/go-*/bin/go "${HOME:-/root}/go/bin/go"; do
    [[ -n "$candidate" && -x "$candidate" ]] || continue
    version="$(GOTOOLCHAIN=local go_version "$candidate")" || continue
    if [[ -n "$version" ]] && version_at_least "$GO_MINIMUM" "$version"; then
      printf '%s\n' "$candidate"
      return 0
    fi
    found="$candidate ($version)"
  done
  if [[ -n "$found" ]]; then
    say "Go $GO_MINIMUM or newer is needed to build the agent; found only $found."
  else
    say "Go $GO_MINIMUM or newer is needed to build the agent; none was found on PATH or in /usr/local/go."
  fi
  say "Install it from https://go.dev/dl/ (unpack into /usr/local/go), or on Debian from backports: apt-get install golang-1.24-go."
  return 1
}
