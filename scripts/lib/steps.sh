# shellcheck shell=bash
# Sourced. Runs named steps with a deadline each, keeps their logs, and remembers how they ended.

REPORTS="$REPO_ROOT/reports"
STEPS_FILE="$REPORTS/steps.tsv"
BACKENDS_FILE="$REPORTS/backends.tsv"

begin_steps() {
  rm -rf "$REPORTS"
  mkdir -p "$REPORTS"
  : >"$STEPS_FILE"
  : >"$BACKENDS_FILE"
}

slug() { tr -cs 'a-zA-Z0-9\n' '-' <<<"$1" | sed 's/-*$//'; }

record() { printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$STEPS_FILE"; }

# step NAME SECONDS COMMAND...: true when it passed. Its report file, where it writes one, is in PODKIT_REPORT.
step() {
  local name="$1" limit="$2" started="$EPOCHREALTIME" log report status=0 took state=passed
  shift 2
  log="$REPORTS/$(slug "$name").log"
  report="$REPORTS/$(slug "$name").json"
  printf '%-28s ' "$name"
  PODKIT_REPORT="$report" timeout --kill-after=10 "$limit" "$@" >"$log" 2>&1 </dev/null || status=$?
  took="$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')"
  if ((status != 0)); then state=failed; fi
  printf '%s  %s s\n' "$state" "$took"
  if ((status != 0)); then
    ((status != 124)) || printf 'It did not end within %s s.\n' "$limit"
    printf -- '--- the end of %s\n' "${log#"$REPO_ROOT/"}"
    tail -n "${PODKIT_TEST_TAIL:-60}" "$log" | cut -c 1-300
    printf -- '---\n'
  fi
  record "$name" "$state" "$took" "$report" ""
  return "$status"
}

not_run() { # NAME REASON
  printf '%-28s not run: %s\n' "$1" "$2"
  record "$1" not-run 0 "" "$2"
}

# backend_column BACKEND [REASON]: a column of the table of rows; with the reason where nothing of it runs.
backend_column() { printf '%s\t%s\n' "$1" "${2:-}" >>"$BACKENDS_FILE"; }
