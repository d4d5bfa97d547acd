# shellcheck shell=bash
# Sourced, after common.sh and apt.sh. Uses the Docker daemon that answers; else, as root on Debian or Ubuntu, installs
# and starts one that outlives the script. `scripts/stop-engines` ends the one that was started here, and only that.

DOCKER_LOG="$STATE_DIR/dockerd.log"
DOCKER_PID_FILE="$STATE_DIR/dockerd.pid"

docker_answers() { have docker && timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

make_state_dir() {
  mkdir -p "$STATE_DIR"
  [[ -O "$STATE_DIR" && ! -L "$STATE_DIR" ]] || die "$STATE_DIR belongs to someone else."
  chmod 700 "$STATE_DIR"
}

# is_process PID NAME: that process lives and is that program, not a later one that got the same number.
is_process() { [[ "${1:-}" =~ ^[0-9]+$ && -r "/proc/$1/comm" && "$(cat "/proc/$1/comm")" == "$2" ]]; }

# A killed daemon leaves pid files; when the number belongs to another program now, dockerd refuses to start.
remove_stale_pid() { # FILE NAME
  [[ -f "$1" ]] || return 0
  is_process "$(cat "$1")" "$2" || rm -f "$1"
}

# The package's own start-up, or a daemon that is still coming up after a restart.
some_dockerd_lives() { [[ -f /var/run/docker.pid ]] && is_process "$(cat /var/run/docker.pid)" dockerd; }
started_dockerd_lives() { [[ -f "$DOCKER_PID_FILE" ]] && is_process "$(cat "$DOCKER_PID_FILE")" dockerd; }
docker_answers_or_died() { docker_answers || ! started_dockerd_lives; }

start_dockerd() {
  make_state_dir
  exec 8>"$STATE_DIR/dockerd.lock"
  flock -w 120 8 || die "another script has been starting Docker for two minutes (see $DOCKER_LOG)."
  if some_dockerd_lives; then wait_until 30 docker_answers || true; fi
  if ! docker_answers; then
    if ! started_dockerd_lives; then
      remove_stale_pid /var/run/docker.pid dockerd
      remove_stale_pid /var/run/docker/containerd/containerd.pid containerd
      say "starting dockerd (log: $DOCKER_LOG)"
      setsid nohup dockerd >"$DOCKER_LOG" 2>&1 </dev/null 8>&- &
      printf '%s\n' "$!" >"$DOCKER_PID_FILE"
      # setsid becomes dockerd by exec; until then its name is another.
      wait_until 5 is_process "$(cat "$DOCKER_PID_FILE")" dockerd || true
    fi
    wait_until 60 docker_answers_or_died || true
  fi
  exec 8>&-
  docker_answers
}

# ensure_docker: true when a daemon answers.
ensure_docker() {
  if docker_answers; then return 0; fi
  if [[ -n "${DOCKER_HOST:-}" ]]; then
    say "Docker does not answer at DOCKER_HOST=$DOCKER_HOST. Start it there, or unset DOCKER_HOST to use a local one."
    return 1
  fi
  if ! can_install; then
    say "Docker does not answer, and it cannot be installed from here (that needs root on Debian or Ubuntu)."
    say "Start Docker (https://docs.docker.com/engine/install/), or set DOCKER_HOST to one that runs, and try again."
    return 1
  fi
  if ! have dockerd; then
    apt_install docker.io iptables ca-certificates || return 1
  fi
  # From Debian 13 on the command is a package of its own.
  if ! have docker; then
    apt_install docker-cli || return 1
  fi
  if [[ -d /run/systemd/system ]]; then
    systemctl start docker >&2 || true
    wait_until 30 docker_answers && return 0
  fi
  if start_dockerd; then return 0; fi
  say "dockerd was started but does not answer. The end of its log ($DOCKER_LOG):"
  tail -n 15 "$DOCKER_LOG" >&2 || true
  return 1
}

stop_started_docker() {
  started_dockerd_lives || {
    rm -f "$DOCKER_PID_FILE"
    say "no dockerd that these scripts started is running"
    return 0
  }
  local pid
  pid="$(cat "$DOCKER_PID_FILE")"
  kill "$pid"
  dockerd_gone() { ! is_process "$pid" dockerd; }
  wait_until 60 dockerd_gone || die "dockerd ($pid) did not end within a minute."
  rm -f "$DOCKER_PID_FILE"
  say "dockerd ($pid) ended"
}
