#!/usr/bin/env bash
# server.sh OUTPUT_DIR - builds the webhook's own image from the Dockerfile, without Docker and without a registry.
#
#   server.tar           localhost/rucio-policy-webhook:VERSION, for the architecture of this machine
#   foreign/server.tar   the same, cross-compiled for the other one of amd64 and arm64
#
# The base is made by mmdebstrap; apt gets its packages in the build as the caller's apt does. What is there and was
# made of the same files stays: its key lies beside it. To be run as root on Debian 12 with mmdebstrap and buildah.
set -euo pipefail
umask 022

[ $# -eq 1 ] || { echo "Usage: $0 OUTPUT_DIR" >&2; exit 2; }
mkdir -p "$1/layers" "$1/foreign"
output=$(cd "$1" && pwd)
cd "$(dirname "$0")/../../.."

codename=$(sed -nE 's/^VERSION_CODENAME="?([a-z]+)"?$/\1/p' /etc/os-release)
[ "$codename" = bookworm ] || { echo "$0: this is ${codename:-unknown}, not Debian 12 (bookworm)" >&2; exit 1; }
for tool in mmdebstrap buildah unshare; do
    command -v $tool >/dev/null || { echo "$0: $tool is missing" >&2; exit 1; }
done
version=$(sed -nE 's/^project\(rucio-policy-webhook VERSION ([0-9.]+) .*/\1/p' CMakeLists.txt)
native=$(dpkg --print-architecture)
case $native in
    amd64) foreign=arm64 ;;
    *) foreign=amd64 ;;
esac
readonly version native foreign base=localhost/base:1 name=localhost/rucio-policy-webhook:$version

# --- files and keys, as in build.sh -----------------------------------------------------------------------------------

key_of() { sha256sum -- tests/e2e/images/server.sh "$@" | sha256sum | cut -d ' ' -f 1; }

is_current() { # FILE KEY
    [ -f "$1" ] && [ "$(cat "$1.key" 2>/dev/null)" = "$2" ]
}

make() { # FILE KEY MAKER ARGUMENT...: MAKER FILE ARGUMENT...
    local file=$1 key=$2
    echo "making ${file#"$output/"}"
    rm -rf "$file.key" "$file.new"
    "$3" "$file.new" "${@:4}"
    mv "$file.new" "$file"
    echo "$key" >"$file.key"
}

# --- building ---------------------------------------------------------------------------------------------------------

# Runs it, and shows what it said only if it failed.
quietly() {
    "$@" >"$work/log" 2>&1 || { tail -n 100 "$work/log" >&2; return 1; }
}

# What debian:bookworm-slim has, in the respects that matter to the Dockerfile.
tar_of_base() {
    # What $1 is, the hook knows.
    # shellcheck disable=SC2016
    SOURCE_DATE_EPOCH=0 TMPDIR=$work quietly mmdebstrap --quiet --variant apt --include usr-is-merged --format tar \
        --skip output/dev --hook-dir /usr/share/mmdebstrap/hooks/merged-usr \
        --dpkgopt 'path-exclude=/usr/share/man/*' --dpkgopt 'path-exclude=/usr/share/locale/*' \
        --dpkgopt 'path-exclude=/usr/share/doc/*' --dpkgopt 'path-include=/usr/share/doc/*/copyright' \
        --customize-hook 'rm -f "$1/etc/hostname" "$1/etc/resolv.conf"' \
        bookworm "$1"
}

# A storage of its own, gone afterwards; mounts, if any are left, go with the namespace. Driver and isolation are those
# that work inside of any container.
buildah_() {
    TMPDIR=$work unshare --mount buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"
}

prepare_base() {
    local container
    [ ! -e "$work/storage" ] || return 0
    container=$(buildah_ from scratch)
    quietly buildah_ add "$container" "$output/layers/server-base.tar" /
    quietly buildah_ commit --rm "$container" $base
}

# The caller's sources, proxies and keys; certificates, for mirrors with HTTPS.
print_apt_volumes() {
    local folder
    for folder in /etc/apt /usr/share/keyrings /etc/ssl/certs; do
        [ ! -d $folder ] || printf '%s\n' --volume "$folder:$folder:ro"
    done
}

print_revision() {
    GIT_OPTIONAL_LOCKS=0 git describe --always --dirty --exclude '*' --abbrev=40 2>/dev/null || true
}

print_commit_time() {
    git log -1 --format=%ct 2>/dev/null || echo 0
}

image_for() { # FILE ARCHITECTURE
    local volumes=()
    prepare_base
    mapfile -t volumes < <(print_apt_volumes)
    quietly buildah_ build --isolation chroot --platform "linux/$2" --build-arg "BUILDPLATFORM=linux/$native" \
        --build-arg "BASE=$base" --build-arg "VERSION=$version" --build-arg "REVISION=$(print_revision)" \
        --build-arg "SOURCE_DATE_EPOCH=$(print_commit_time)" --timestamp "$(print_commit_time)" \
        "${volumes[@]}" --tag "$name" .
    quietly buildah_ push "$name" "docker-archive:$1:$name"
    quietly buildah_ rmi "$name"
}

work=$(mktemp -d "$output/work.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT

base_key=$(key_of)
is_current "$output/layers/server-base.tar" "$base_key" ||
    make "$output/layers/server-base.tar" "$base_key" tar_of_base

mapfile -t inputs < <(find Dockerfile .dockerignore CMakeLists.txt LICENSE include src scripts/image -type f \
    -not -path '*/__pycache__/*' | LC_ALL=C sort)
image_key=$(key_of "${inputs[@]}")
is_current "$output/server.tar" "$image_key" || make "$output/server.tar" "$image_key" image_for "$native"
is_current "$output/foreign/server.tar" "$image_key" ||
    make "$output/foreign/server.tar" "$image_key" image_for "$foreign"
