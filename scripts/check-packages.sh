#!/usr/bin/env bash
# Packs every published package and lints the tarball: publint, are-the-types-wrong, and what must be inside.
# Needs a build (`pnpm build`).
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/packages.sh
source "$REPO_ROOT/scripts/lib/packages.sh"

cd "$REPO_ROOT"
WORK="$(mktemp -d)"
trap 'rm -rf "$WORK"' EXIT
bin="$REPO_ROOT/node_modules/.bin"
failed=0

check() { # WHAT COMMAND...
  local what="$1" output
  shift
  if output="$("$@" 2>&1)"; then return 0; fi
  printf 'FAILED %s\n%s\n' "$what" "$output"
  failed=$((failed + 1))
}

only_what_is_shipped() { ! tar -tzf "$1" | grep -vE '^package/(dist/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$|PROTOCOL\.md$)'; }
no_foreign_protocol() { ! tar -xzOf "$1" package/package.json | node -e '
  const m = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const all = Object.entries({ ...m.dependencies, ...m.peerDependencies, ...m.optionalDependencies });
  const bad = all.filter(([, range]) => /^(workspace|catalog|file|link):/.test(range));
  for (const [name, range] of bad) console.log(`${name}: ${range}`);
  process.exit(bad.length ? 0 : 1);'; }
no_vendor_types() { ! tar -xzOf "$1" package/dist/index.d.ts | grep -nE "(from|import\() ?['\"](dockerode|@kubernetes/)"; }
has_agent() {
  local file
  for file in bin/linux-x64/podkit-agent bin/linux-arm64/podkit-agent bin/manifest.json; do
    tar -tzf "$1" "package/dist/$file" >/dev/null || return 1
  done
}

while read -r folder name; do
  tarball="$(pack_into "$WORK" "$folder")" || die "$name could not be packed."
  check "$name: publint" "$bin/publint" run "$tarball" --strict
  check "$name: only what is shipped" only_what_is_shipped "$tarball"
  check "$name: ranges that npm understands" no_foreign_protocol "$tarball"
  if [[ "$folder" == packages/* ]]; then
    check "$name: types" "$bin/attw" "$tarball" --profile esm-only --no-emoji --no-color
    check "$name: no vendor types in its declarations" no_vendor_types "$tarball"
  fi
  if [[ "$name" == @podkit/agent ]]; then check "$name: the agent's binaries are inside" has_agent "$tarball"; fi
  say "  $name $(stat -c %s "$tarball") bytes"
done < <(public_packages)

((failed == 0)) || die "$failed checks of packages failed."
