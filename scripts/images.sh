#!/usr/bin/env bash
# Makes the test images from Debian's packages, without a registry: podkit-test/{base,busybox,static,user,crash,nginx}:1.
# shellcheck disable=SC2034,SC2119 # changes_* are read by name; sha256_of reads standard input
# An image whose recipe did not change since it was made is left as it is; downloads are kept between runs.
#   scripts/images.sh [NAME...]
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/apt.sh
source "$REPO_ROOT/scripts/lib/apt.sh"
# shellcheck source=scripts/lib/go.sh
source "$REPO_ROOT/scripts/lib/go.sh"

LABEL=dev.podkit.test-recipe
WORK=""
trap '[[ -z "$WORK" ]] || rm -rf "$WORK"' EXIT

suite() {
  # shellcheck disable=SC1091
  (source /etc/os-release && printf '%s\n' "${VERSION_CODENAME:-bookworm}")
}

# --- root file systems: each prints the path of a tar ------------------------------------------------------------

BASE_PACKAGES=ca-certificates,python3-minimal,util-linux,login,passwd,libpam-modules,libpam-runtime,coreutils

# debian_tar NAME PACKAGES: kept in the cache under the hash of what went in.
debian_tar() {
  local tar
  tar="$CACHE_DIR/$1-$(suite)-$(printf '%s' "$2 $(declare -f debian_tar)" | sha256_of | cut -c 1-12).tar"
  if [[ ! -f "$tar" ]]; then
    ensure_command mmdebstrap mmdebstrap || return 1
    say "collecting Debian packages for $1"
    # shellcheck disable=SC2016 # $1 is the hook's, not ours
    timeout 900 mmdebstrap --quiet --variant=minbase --components=main,universe --include="$2" \
      --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
      --customize-hook='ln -sf python3 "$1/usr/bin/python"' --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' \
      "$(suite)" "$tar.part.tar" >&2 || return 1
    mv "$tar.part.tar" "$tar"
  fi
  printf '%s\n' "$tar"
}

busybox_binary() {
  local binary="$CACHE_DIR/busybox"
  if [[ ! -x "$binary" ]]; then
    is_debian || {
      say "busybox-static is taken from Debian's or Ubuntu's packages, and this is neither."
      return 1
    }
    (
      cd "$WORK"
      apt-get -q -o APT::Sandbox::User=root download busybox-static >&2 || { can_install && apt-get -q update >&2 && apt-get -q -o APT::Sandbox::User=root download busybox-static >&2; }
      dpkg -x busybox-static_*.deb busybox-package
    ) || return 1
    local found
    found="$(find "$WORK/busybox-package" -type f -path '*/bin/busybox' | head -n 1)"
    cp "$found" "$binary.part" && chmod 755 "$binary.part" && "$binary.part" true && mv "$binary.part" "$binary" || return 1
  fi
  printf '%s\n' "$binary"
}

# busybox_root FOLDER: one program, its links, two users, no /workspace.
busybox_root() {
  local binary path
  binary="$(busybox_binary)" || return 1
  mkdir -p "$1"/{bin,sbin,usr/bin,usr/sbin,etc,root,tmp,dev,proc,sys}
  chmod 1777 "$1/tmp"
  chmod 700 "$1/root"
  cp "$binary" "$1/bin/busybox"
  "$binary" --list-full | while read -r path; do
    [[ "$path" == bin/busybox ]] || { mkdir -p "$1/$(dirname "$path")" && ln -sf /bin/busybox "$1/$path"; }
  done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$1/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$1/etc/group"
}

# pack FOLDER TAR: root's, whoever runs this.
pack() { tar -C "$1" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$2" .; }

busybox_tar() {
  busybox_root "$WORK/busybox" || return 1
  pack "$WORK/busybox" "$WORK/busybox.tar"
  printf '%s\n' "$WORK/busybox.tar"
}

user_tar() {
  local root="$WORK/user"
  busybox_root "$root" || return 1
  mkdir -p "$root/srv"
  printf 'app:x:1234:1234:app:/home/app:/bin/sh\n' >>"$root/etc/passwd"
  printf 'app:x:1234:\n' >>"$root/etc/group"
  pack "$root" "$WORK/user.tar"
  mkdir -p "$WORK/user-home/home/app"
  tar -C "$WORK/user-home" --mtime=@0 --owner=0 --group=0 --numeric-owner --no-recursion -rf "$WORK/user.tar" ./home
  tar -C "$WORK/user-home" --mtime=@0 --owner=1234 --group=1234 --numeric-owner -rf "$WORK/user.tar" ./home/app
  printf '%s\n' "$WORK/user.tar"
}

static_tar() {
  local go root="$WORK/static"
  go="$(ensure_go)" || return 1
  mkdir -p "$root"
  (cd "$REPO_ROOT/scripts/images/hello" && GOTOOLCHAIN=local GO111MODULE=off CGO_ENABLED=0 "$go" build -trimpath -ldflags '-s -w' -o "$root/hello" main.go) || return 1
  pack "$root" "$WORK/static.tar"
  printf '%s\n' "$WORK/static.tar"
}

# --- images: how each is made, and what it is told to run ---------------------------------------------------------

image_base() { debian_tar base "$BASE_PACKAGES"; }
changes_base=('CMD ["bash"]')

image_busybox() { busybox_tar; }
changes_busybox=('CMD ["sh"]' 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')

image_static() { static_tar; }
changes_static=('CMD ["/hello", "hello"]')

image_user() { user_tar; }
changes_user=('USER app' 'WORKDIR /srv' 'ENV IMAGE_VAR=from-image' 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  'ENTRYPOINT ["/bin/sh", "-c"]' 'CMD ["echo program-started; sleep 1000"]')

image_crash() { busybox_tar; }
changes_crash=('ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' 'CMD ["/bin/sh", "-c", "echo \"boom: about to crash\" >&2; exit 3"]')

image_nginx() { debian_tar nginx "$BASE_PACKAGES,nginx-light"; }
changes_nginx=('CMD ["nginx", "-g", "daemon off;"]' 'EXPOSE 80')

ALL=(busybox static user crash base nginx)

recipe_hash() { # NAME
  local -n changes="changes_$1"
  {
    suite
    printf '%s\n' "${changes[@]}" "$BASE_PACKAGES"
    declare -f "image_$1" debian_tar busybox_binary busybox_root pack busybox_tar user_tar static_tar
    cat "$REPO_ROOT/scripts/images/hello/main.go"
  } | sha256_of
}

make_image() { # NAME
  local reference="podkit-test/$1:1" hash tar change
  local -n told="changes_$1"
  hash="$(recipe_hash "$1")"
  if [[ "$(docker image inspect --format "{{index .Config.Labels \"$LABEL\"}}" "$reference" 2>/dev/null)" == "$hash" ]]; then return 0; fi
  WORK="$(mktemp -d)"
  say "making $reference"
  tar="$("image_$1")" || die "$reference could not be made."
  local arguments=(-c "LABEL $LABEL=$hash")
  for change in "${told[@]}"; do arguments+=(-c "$change"); done
  docker import "${arguments[@]}" "$tar" "$reference" >/dev/null
  rm -rf "$WORK"
  WORK=""
}

mkdir -p "$CACHE_DIR"
names=("$@")
((${#names[@]})) || names=("${ALL[@]}")
for name in "${names[@]}"; do
  declare -F "image_$name" >/dev/null || die "there is no test image '$name' (${ALL[*]})."
  make_image "$name"
done
