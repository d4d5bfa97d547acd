# shellcheck shell=bash
# Sourced. The packages that are published, and packing them.

# public_packages: folder and name, a line each.
public_packages() {
  local folder
  for folder in packages/* apps/*; do
    [[ -f "$REPO_ROOT/$folder/package.json" ]] || continue
    (cd "$REPO_ROOT/$folder" && node -p 'const m = require("./package.json"); m.private ? "" : `'"$folder"' ${m.name}`')
  done | sed '/^$/d'
}

# pack_into FOLDER PACKAGE_FOLDER: by npm, as any user would; prints the tarball's path.
pack_into() {
  local file
  file="$(cd "$REPO_ROOT/$2" && npm pack --silent --pack-destination "$1")" || return 1
  printf '%s/%s\n' "$1" "$(tail -n 1 <<<"$file")"
}
