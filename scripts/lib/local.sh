# shellcheck shell=bash
# Sourced, after common.sh and apt.sh. What the local sandbox needs on the machine: bubblewrap, and for a network of its own
# pasta or slirp4netns.

BWRAP_OUTPUT=""

# A sandbox as podkit makes them: namespaces of its own, and a /proc.
bwrap_works() {
  BWRAP_OUTPUT="$(timeout 20 bwrap --unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --die-with-parent \
    --ro-bind / / --dev /dev --proc /proc true 2>&1)"
}

say_how_to_allow_bwrap() {
  say "bubblewrap is there, but cannot make a sandbox: $BWRAP_OUTPUT"
  local name
  for name in kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0 user.max_user_namespaces=15000; do
    case "$(cat "/proc/sys/$(tr . / <<<"${name%=*}")" 2>/dev/null || true)/${name#*=}" in
      0/1 | 1/0 | 0/15000) say "User namespaces are not allowed here. As root: sysctl -w $name" ;;
    esac
  done
  say "In a container it needs one that may make namespaces and mount /proc (for Docker: --privileged)."
}

ensure_network_tool() {
  have pasta || have slirp4netns && return 0
  if can_install; then
    { apt_install passt && have pasta; } || { apt_install slirp4netns && have slirp4netns; } && return 0
  fi
  say "Neither pasta nor slirp4netns is installed: sandboxes will have no network. On Debian or Ubuntu: sudo apt-get install passt"
  return 1
}

# ensure_local: true when a sandbox can be made here. A network tool is got where that is allowed, and otherwise missed aloud.
ensure_local() {
  if [[ "$(uname -s)" != Linux ]]; then
    say "The local sandbox needs Linux; this is $(uname -s)."
    return 1
  fi
  ensure_command bwrap bubblewrap || return 1
  ensure_network_tool || true
  bwrap_works && return 0
  say_how_to_allow_bwrap
  return 1
}
