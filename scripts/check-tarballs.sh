#!/usr/bin/env bash
# Outside the repository, with only the tarballs of core, agent, one backend, manager, processes and session: a program without
# the facade runs a command on that backend (docker, where none is named). Needs a build and an engine.
#   scripts/check-tarballs.sh [docker|local]
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/packages.sh
source "$REPO_ROOT/scripts/lib/packages.sh"

backend="${1:-docker}"
WORK="$(mktemp -d)"
trap 'rm -rf "$WORK"' EXIT

tarballs=()
for name in core agent "backend-$backend" manager processes session; do
  tarballs+=("$(pack_into "$WORK" "packages/$name")")
done
cp "$REPO_ROOT/scripts/fixtures/without-facade-$backend.mjs" "$WORK/program.mjs"
cp "$REPO_ROOT/scripts/fixtures/without-facade.mjs" "$WORK/"
cd "$WORK"
printf '{ "name": "outside", "private": true, "type": "module" }\n' >package.json
npm install --prefer-offline --no-audit --no-fund --ignore-scripts --loglevel=error "${tarballs[@]}" >&2
[[ ! -e node_modules/podkit && ! -e "node_modules/@podkit/backend-$([[ $backend == local ]] && echo docker || echo local)" ]] || die "the facade or another backend was installed; these packages must work without."
timeout 180 node program.mjs
