#!/usr/bin/env bash
# The agent's own checks: scripts/test-go.sh vet | test | race | fuzz
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/apt.sh
source "$REPO_ROOT/scripts/lib/apt.sh"
# shellcheck source=scripts/lib/go.sh
source "$REPO_ROOT/scripts/lib/go.sh"

go="$(ensure_go)"
export GOTOOLCHAIN=local GOWORK=off
cd "$REPO_ROOT/packages/agent/go"
report="${PODKIT_REPORT:-}"

fuzz() {
  local package name
  # Each target for a moment, from its seeds and what earlier runs kept. A number of runs, not a time: where the time is up in the
  # middle of a run, Go may call that a failure ("context deadline exceeded").
  "$go" list ./... | while read -r package; do
    for name in $("$go" test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
      printf '%s %s\n' "$package" "$name"
      "$go" test -run '^$' -fuzz "^$name\$" -fuzztime "${PODKIT_FUZZ_TIME:-50000x}" "$package"
    done
  done
}

case "${1:-}" in
  vet)
    unformatted="$("$(dirname "$("$go" env GOROOT)/bin/go")/gofmt" -l .)"
    [[ -z "$unformatted" ]] || die "not formatted by gofmt: $unformatted"
    "$go" vet ./...
    ;;
  test) "$go" test -json ./... | node "$REPO_ROOT/scripts/lib/go-report.mjs" "$report" ;;
  race) CGO_ENABLED=1 "$go" test -race -short -json ./... | node "$REPO_ROOT/scripts/lib/go-report.mjs" "$report" ;;
  fuzz) fuzz ;;
  *) die "usage: scripts/test-go.sh vet | test | race | fuzz" ;;
esac
