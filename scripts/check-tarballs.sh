#!/usr/bin/env bash
# Outside the repository, with only the tarballs of core, agent, backend-docker, manager, processes and session: a
# program without the facade runs a command on Docker. Needs a build and an engine.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/packages.sh
source "$REPO_ROOT/scripts/lib/packages.sh"

WORK="$(mktemp -d)"
trap 'rm -rf "$WORK"' EXIT

tarballs=()
for name in core agent backend-docker manager processes session; do
  tarballs+=("$(pack_into "$WORK" "packages/$name")")
done
cp "$REPO_ROOT/scripts/fixtures/without-facade.mjs" "$WORK/program.mjs"
cd "$WORK"
printf '{ "name": "outside", "private": true, "type": "module" }\n' >package.json
npm install --prefer-offline --no-audit --no-fund --ignore-scripts --loglevel=error "${tarballs[@]}" >&2
[[ ! -e node_modules/podkit ]] || die "the facade was installed; these packages must work without it."
timeout 180 node program.mjs
