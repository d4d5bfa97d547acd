# shellcheck shell=bash
# Sourced. Node is there (it is how one got here); pnpm is put there at the pinned version; then `pnpm install`.

NODE_MINIMUM=20.19.0

pinned_pnpm() { node -p 'require(process.argv[1]).packageManager.split("@")[1].split("+")[0]' "$REPO_ROOT/package.json"; }

# Installs pnpm into a folder of our own, so that neither root nor a writable global folder is needed.
ensure_pnpm() {
  local version folder
  version="$(pinned_pnpm)"
  if have pnpm && [[ "$(cd "$REPO_ROOT" && pnpm --version 2>/dev/null)" == "$version" ]]; then return 0; fi
  folder="$CACHE_DIR/pnpm-$version"
  if [[ ! -x "$folder/node_modules/.bin/pnpm" ]]; then
    say "installing pnpm $version into $folder"
    mkdir -p "$folder"
    npm install --prefix "$folder" --no-save --no-audit --no-fund --loglevel=error "pnpm@$version" >&2 ||
      die "pnpm $version could not be installed by npm; install it by hand and run this again."
  fi
  export PATH="$folder/node_modules/.bin:$PATH"
}

# What `pnpm install` depends on, so that a second run skips it.
install_hash() {
  (
    cd "$REPO_ROOT" || exit 1
    {
      node --version
      cat pnpm-lock.yaml pnpm-workspace.yaml package.json {packages,apps,examples}/*/package.json {tests,bench}/package.json 2>/dev/null || true
    } | sha256_of -
  )
}

ensure_node_tools() {
  have node || die "Node $NODE_MINIMUM or newer is needed: https://nodejs.org/, or apt-get install nodejs npm."
  local version marker="$REPO_ROOT/node_modules/.podkit-install"
  version="$(node -p process.versions.node)"
  version_at_least "$NODE_MINIMUM" "$version" || die "Node $NODE_MINIMUM or newer is needed; this one is $version."
  have npm || die "npm is needed beside Node $version (on Debian: apt-get install npm)."
  ensure_pnpm
  export TURBO_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1 CI="${CI:-1}"
  if [[ ! -f "$marker" || "$(cat "$marker")" != "$(install_hash)" ]]; then
    (cd "$REPO_ROOT" && quietly "installing the workspace's dependencies" pnpm install --frozen-lockfile --prefer-offline) || die "pnpm install failed."
    install_hash >"$marker"
  fi
}
