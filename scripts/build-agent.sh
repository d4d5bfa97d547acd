#!/usr/bin/env bash
# Builds the agent for every platform into packages/agent/dist/bin, with a manifest of versions and hashes.
# Does nothing when the sources, the version and Go itself are what the last build saw.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/apt.sh
source "$REPO_ROOT/scripts/lib/apt.sh"
# shellcheck source=scripts/lib/go.sh
source "$REPO_ROOT/scripts/lib/go.sh"

AGENT_DIR="$REPO_ROOT/packages/agent"
GO_DIR="$AGENT_DIR/go"
BIN_DIR="$AGENT_DIR/dist/bin"
MAIN=./cmd/podkit-agent
PLATFORMS=("linux/amd64 linux-x64" "linux/arm64 linux-arm64")

version="$(node -p 'require(process.argv[1]).version' "$AGENT_DIR/package.json")"
go="$(ensure_go)" || die "the agent was not built."
[[ -f "$GO_DIR/go.mod" ]] || die "no Go module at packages/agent/go."
# Reproducible: no local toolchain switch, no path and no time in the binary.
export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-mod=mod GOWORK=off
[[ -d "$GO_DIR/vendor" ]] && export GOFLAGS=-mod=vendor

inputs_hash() {
  {
    printf '%s\n' "$version" "$("$go" env GOVERSION)"
    cat "${BASH_SOURCE[0]}"
    cd "$GO_DIR"
    find . -type f ! -name '*_test.go' ! -path '*/testdata/*' \( -name '*.go' -o -name go.mod -o -name go.sum -o -path './vendor/*' \) -print0 |
      LC_ALL=C sort -z | xargs -0 sha256sum
  } | sha256_of
}

is_current() {
  [[ -f "$BIN_DIR/inputs.sha256" && -f "$BIN_DIR/manifest.json" && "$(cat "$BIN_DIR/inputs.sha256")" == "$1" ]] || return 1
  local entry
  for entry in "${PLATFORMS[@]}"; do [[ -x "$BIN_DIR/${entry#* }/podkit-agent" ]] || return 1; done
}

build_one() { # goos/goarch folder
  local target="$BIN_DIR/$2/podkit-agent"
  mkdir -p "$(dirname "$target")"
  (
    cd "$GO_DIR"
    GOOS="${1%/*}" GOARCH="${1#*/}" "$go" build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$version" -o "$target.part" "$MAIN"
  )
  chmod 755 "$target.part"
  mv "$target.part" "$target"
}

write_manifest() {
  local entry separator="" file
  {
    printf '{\n  "version": "%s",\n  "binaries": {' "$version"
    for entry in "${PLATFORMS[@]}"; do
      file="${entry#* }/podkit-agent"
      printf '%s\n    "%s": { "file": "%s", "sha256": "%s", "size": %s }' "$separator" "${entry% *}" "$file" \
        "$(sha256_of "$BIN_DIR/$file")" "$(stat -c %s "$BIN_DIR/$file")"
      separator=","
    done
    printf '\n  }\n}\n'
  } >"$BIN_DIR/manifest.json.part"
  mv "$BIN_DIR/manifest.json.part" "$BIN_DIR/manifest.json"
}

mkdir -p "$BIN_DIR"
# One build at a time: two would write the same files.
exec 9>"$BIN_DIR/.lock"
flock 9
hash="$(inputs_hash)"
if is_current "$hash"; then
  say "agent $version is up to date"
  exit 0
fi
rm -f "$BIN_DIR/inputs.sha256"
for entry in "${PLATFORMS[@]}"; do build_one "${entry% *}" "${entry#* }"; done
write_manifest
printf '%s\n' "$hash" >"$BIN_DIR/inputs.sha256"
say "agent $version built: $(cd "$BIN_DIR" && stat -c '%n %s bytes' linux-*/podkit-agent | paste -sd ', ')"
