#!/usr/bin/env bash
# As root: runs tests of the local sandbox once more, as a throw-away user without any privilege, without a login and so
# without cgroups of its own. Its reports are copied back.
#   scripts/test-unprivileged.sh FILE...        PODKIT_TEST_REPORT, PODKIT_REPORT: as everywhere
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

[[ $(id -u) == 0 ]] || die "only root can become another user; as you are, \`pnpm itest\` is the unprivileged run."
for command in useradd userdel setpriv; do have "$command" || die "the command '$command' is missing (Debian: passwd, util-linux)."; done

USER_NAME="podkit-test-$$"
# Beside the run's own temporary folder, which that user cannot enter.
FOLDER="$(TMPDIR=/tmp mktemp -d -t podkit-test-user-XXXXXX)"
NOTED="$(mktemp)"

clear_away() {
  local status=$?
  # Said again before it goes with the folder: what the tests left.
  node "$REPO_ROOT/scripts/leftovers.mjs" check "$NOTED" "$FOLDER/tmp" "$FOLDER/home/.local" || status=1
  userdel "$USER_NAME" || status=1
  rm -rf --one-file-system "$FOLDER" "$NOTED"
  exit "$status"
}

useradd --no-create-home --home-dir "$FOLDER/home" --shell /bin/sh --no-log-init "$USER_NAME"
trap clear_away EXIT
ids=(--reuid="$(id -u "$USER_NAME")" --regid="$(id -g "$USER_NAME")" --clear-groups)
mkdir "$FOLDER"/{home,tmp,reports}
chown "$USER_NAME:" "$FOLDER" "$FOLDER"/*

# That user must be able to read the sources; a checkout in somebody's home is copied.
SOURCES="$REPO_ROOT"
reads() { setpriv "${ids[@]}" sh -c 'find "$1"/package.json "$1"/vitest.config.ts "$1"/packages "$1"/tests "$1"/node_modules/.bin -maxdepth 3 ! -type l ! -readable -print -quit 2>&1' sh "$1"; }
if [[ -n "$(reads "$REPO_ROOT")" ]]; then
  SOURCES="$FOLDER/repository"
  say "copying the checkout, which others may not read"
  mkdir "$SOURCES"
  tar -C "$REPO_ROOT" --exclude=./.git --exclude=./reports --exclude=.turbo -cf - . | tar -C "$SOURCES" --no-same-owner -xf -
  chmod -R a+rX "$SOURCES"
fi

node "$REPO_ROOT/scripts/leftovers.mjs" note "$NOTED" "$FOLDER/tmp" "$FOLDER/home/.local"
status=0
(
  cd "$SOURCES"
  # The config is not bundled into node_modules, and nothing is cached there: all of that is root's.
  setpriv "${ids[@]}" env -i HOME="$FOLDER/home" USER="$USER_NAME" PATH="$PATH" TMPDIR="$FOLDER/tmp" NO_COLOR=1 PODKIT_TEST_BACKENDS=local \
    PODKIT_TEST_REPORT="$FOLDER/reports/outcomes.json" PODKIT_REPORT="$FOLDER/reports/tests.json" \
    node node_modules/vitest/vitest.mjs run --config vitest.itest.config.ts --configLoader runner --no-cache \
    --reporter=default --reporter="$SOURCES/scripts/lib/vitest-report.mjs" "$@"
) || status=$?

# What that user wrote is read as text, never followed.
copy_back() { if [[ -n "$2" && -f "$1" && ! -L "$1" ]]; then cat "$1" >"$2"; fi; }
copy_back "$FOLDER/reports/outcomes.json" "${PODKIT_TEST_REPORT:-}"
copy_back "$FOLDER/reports/tests.json" "${PODKIT_REPORT:-}"
exit "$status"
