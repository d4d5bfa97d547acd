# shellcheck shell=bash
# Sourced. Debian packages, where we may install them.

# apt_install PACKAGE...
apt_install() {
  say "installing $* (apt-get)"
  export DEBIAN_FRONTEND=noninteractive
  {
    apt-get -o DPkg::Lock::Timeout=300 update -q &&
      apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends "$@"
  } >&2 || return 1
}

# ensure_command COMMAND PACKAGE...: the command, installed where that is allowed.
ensure_command() {
  local command="$1"
  shift
  have "$command" && return 0
  if can_install; then
    apt_install "$@" && have "$command" && return 0
  fi
  say "The command '$command' is missing. On Debian or Ubuntu: sudo apt-get install $*"
  return 1
}
