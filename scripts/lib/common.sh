# shellcheck shell=bash
# Sourced by the scripts: where things are, how to say things, how to wait.
# shellcheck disable=SC2034 # used by those that source this

REPO_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

# State of what the scripts started on this machine (process ids, logs), per user.
STATE_DIR="${XDG_STATE_HOME:-/tmp}/podkit-engines-$(id -u)"
# Downloads and made images, kept between runs.
CACHE_DIR="${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/podkit-test"

say() { printf '%s\n' "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# wait_until SECONDS COMMAND...: true as soon as the command is, false after the deadline.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# quietly WHAT COMMAND...: says what is done; shows the command's output only where it failed.
quietly() {
  local what="$1" log status=0
  shift
  log="$(mktemp)"
  say "$what"
  "$@" >"$log" 2>&1 || status=$?
  ((status == 0)) || cat "$log" >&2
  rm -f "$log"
  return "$status"
}

is_debian() { [[ -r /etc/os-release ]] && grep -Eq '^(ID|ID_LIKE)=.*(debian|ubuntu)' /etc/os-release; }
can_install() { [[ $(id -u) == 0 ]] && is_debian && have apt-get; }

# version_at_least 1.24 1.26.8
version_at_least() { [[ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" == "$1" ]]; }

# sha256_of FILE... or of standard input
sha256_of() { sha256sum "$@" | cut -d ' ' -f 1; }
