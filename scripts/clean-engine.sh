#!/usr/bin/env bash
# Removes what tests left on Docker, by label: only containers and volumes whose `dev.podkit.prefix` is a test's.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

LABEL=dev.podkit.prefix

test_volumes() {
  docker volume ls --filter "label=$LABEL" --format "{{.Label \"$LABEL\"}} {{.Name}}" | awk '$1 ~ /^(podkit-test|pt-)/ { print $2 }'
}
test_containers() {
  docker ps --all --filter "label=$LABEL" --format "{{.Label \"$LABEL\"}} {{.ID}}" | awk '$1 ~ /^(podkit-test|pt-)/ { print $2 }'
}

mapfile -t containers < <(test_containers)
if ((${#containers[@]})); then
  docker rm --force --volumes "${containers[@]}" >/dev/null
  say "removed ${#containers[@]} containers that tests left"
fi
mapfile -t volumes < <(test_volumes)
if ((${#volumes[@]})); then
  docker volume rm "${volumes[@]}" >/dev/null || true
  say "removed ${#volumes[@]} volumes that tests left"
fi
