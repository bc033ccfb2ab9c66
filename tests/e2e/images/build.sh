#!/usr/bin/env bash
# build.sh OUTPUT_DIR - makes the images of the end-to-end tests, as tars for `ctr -n k8s.io images import`.
#
#   pause.tar               localhost/pause:1
#   rucio-current.tar       localhost/rucio:current
#   rucio-before-37.3.tar   localhost/rucio:before-37.3
#   rucio-preinstalled.tar  localhost/rucio-preinstalled:current
#   policy.tar              localhost/rpw-policy:1
#
# What is there and was made by the same recipe stays: its key, a hash over the recipe, lies beside it. To be run as
# root on Debian 12 with mmdebstrap, python3-pip, gcc and libc6-dev; pip is configured as the caller has configured it.
set -euo pipefail
umask 022

[ $# -eq 1 ] || { echo "Usage: $0 OUTPUT_DIR" >&2; exit 2; }
mkdir -p "$1/layers"
output=$(cd "$1" && pwd)
cd "$(dirname "$0")"

# Debian's own, whatever is first in PATH, and without the caller's PYTHONPATH: what it installs must fit the image's.
python() { /usr/bin/python3 -I "$@"; }

require_tools() {
    local tool
    for tool in mmdebstrap gcc /usr/bin/python3; do
        command -v "$tool" >/dev/null || { echo "$0: $tool is missing" >&2; exit 1; }
    done
    python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
        echo "$0: /usr/bin/python3 is $(python --version), but the images have Debian 12's Python 3.11" >&2; exit 1; }
}

# --- layers: each function writes a tar to $1 ----------------------------------------------------------------------

# A tar of directory $2 in which nothing tells when and by whom it was made.
pack() {
    tar --create --file "$1" --directory "$2" --format gnu --sort name --mtime @0 \
        --owner 0 --group 0 --numeric-owner --mode u=rwX,go=rX .
}

# usr-is-merged and the variant `custom` keep out perl's library, which the other variants bring along.
# shellcheck disable=SC2016  # $1 is the hook's: the root that mmdebstrap is making
layer_of_debian() {
    SOURCE_DATE_EPOCH=0 TMPDIR=$work mmdebstrap --quiet --variant custom --format tar --skip output/dev \
        --include '?essential' --include usr-is-merged,python3,libmagic1,cron \
        --hook-dir /usr/share/mmdebstrap/hooks/merged-usr \
        --dpkgopt 'path-exclude=/usr/share/doc/*' --dpkgopt 'path-exclude=/usr/share/man/*' \
        --dpkgopt 'path-exclude=/usr/share/info/*' --dpkgopt 'path-exclude=/usr/share/locale/*' \
        --aptopt 'APT::Sandbox::User "root"' \
        --customize-hook 'cd "$1/etc" && rm -f hostname resolv.conf apt/apt.conf.d/99mmdebstrap' \
        bookworm "$1" >"$work/log" 2>&1 || { cat "$work/log" >&2; return 1; }
}

# botocore/data describes every service of Amazon: 22 MB that Rucio's policies never ask for.
layer_of_rucio() {
    local requirements=$2 root=$work/rucio
    python -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-warn-script-location \
        --no-user --root "$root" --ignore-installed --no-deps --no-compile --requirement "$requirements"
    find "$root" -path '*/botocore/data/*' -delete
    python -W ignore -m compileall -q -s "$root" -p / --invalidation-mode checked-hash "$root/usr/local/lib"
    pack "$1" "$root"
    rm -rf "$root"
}

layer_of_tools() {
    local root=$work/tools
    install -D -m 755 rucio-entrypoint "$root/usr/local/bin/rucio-entrypoint"
    install -D -m 755 probe.py "$root/usr/local/bin/rucio-policy-probe"
    install -D -m 755 "$work/pause" "$root/usr/local/bin/pause"
    install -D -m 644 rucio.cfg.base "$root/usr/local/share/rucio/rucio.cfg.base"
    mkdir -p "$root/opt/rucio/etc"
    pack "$1" "$root"
}

layer_of_policy() {
    local root=$work/policy
    mkdir -p "$root/opt/rucio/policy"
    cp -r policy/rpw_test_rucio_policy_package "$root/opt/rucio/policy"
    find "$root" -name __pycache__ -prune -exec rm -r {} +
    pack "$1" "$root"
}

layer_of_wheels() {
    local root=$work/wheels
    mkdir "$root"
    cp -r policy "$work/wheel-source" # setuptools builds where the source is
    rm -rf "$work/wheel-source/build" "$work/wheel-source/"*.egg-info
    SOURCE_DATE_EPOCH=315532800 python -m pip wheel --quiet --disable-pip-version-check --no-deps \
        --wheel-dir "$root/wheels" "$work/wheel-source"
    pack "$1" "$root"
}

# The package's folder in /policy is a link, as where one of several versions is the current one. In /private only root
# may read it.
layer_of_packages() {
    local root=$work/packages
    mkdir -p "$root/packages/1" "$root/policy" "$root/private" "$root/empty"
    cp -r policy/rpw_test_rucio_policy_package "$root/packages/1"
    find "$root" -name __pycache__ -prune -exec rm -r {} +
    ln -s ../packages/1/rpw_test_rucio_policy_package "$root/policy"
    pack "$1" "$root"
    cp -r "$root/packages/1/." "$root/private"
    tar --append --file "$1" --directory "$root" --format gnu --sort name --mtime @0 \
        --owner 0 --group 0 --numeric-owner --mode u=rwX,go= ./private/rpw_test_rucio_policy_package
}

layer_of_pause() {
    mkdir "$work/pause-root"
    cp "$work/pause" "$work/pause-root/pause"
    pack "$1" "$work/pause-root"
}

# --- images: each function writes a docker-archive to $1 -----------------------------------------------------------

write_image() { # FILE NAME:TAG CONFIG LAYER...
    python docker_archive.py "$@"
}

rucio_config='{"Entrypoint": ["/usr/local/bin/rucio-entrypoint"], "Cmd": ["/usr/local/bin/pause"],
               "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "WorkingDir": "/"}'

image_of_pause() { write_image "$1" localhost/pause:1 '{"Entrypoint": ["/pause"]}' "$layers/pause.tar"; }

image_of_rucio() {
    write_image "$1" "localhost/rucio:$2" "$rucio_config" \
        "$layers/debian.tar" "$layers/rucio-$2.tar" "$layers/tools.tar" "$layers/wheels.tar"
}

image_of_preinstalled() {
    write_image "$1" localhost/rucio-preinstalled:current "$rucio_config" \
        "$layers/debian.tar" "$layers/rucio-current.tar" "$layers/tools.tar" "$layers/policy.tar"
}

image_of_policy() { write_image "$1" localhost/rpw-policy:1 '{}' "$layers/debian.tar" "$layers/packages.tar"; }

# --- what is made of what ------------------------------------------------------------------------------------------

key_of() { sha256sum -- build.sh "$@" | sha256sum | cut -d ' ' -f 1; }

# make FILE "MAKER ARGUMENT..." INPUT...: MAKER FILE ARGUMENT..., unless FILE was made of this script and these inputs.
make() {
    local file=$1 maker key
    read -ra maker <<<"$2"
    shift 2
    key=$(key_of "$@")
    if [ -f "$file" ] && [ "$(cat "$file.key" 2>/dev/null)" = "$key" ]; then
        return
    fi
    echo "making ${file#"$output/"}"
    rm -rf "$file.key" "$file.new"
    "${maker[0]}" "$file.new" "${maker[@]:1}"
    mv "$file.new" "$file"
    echo "$key" >"$file.key"
}

require_tools
layers=$output/layers
work=$(mktemp -d "$output/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

mapfile -t policy_files < <(find policy/rpw_test_rucio_policy_package -name '*.py' | LC_ALL=C sort)
gcc -static -Os -s -Wall -Wextra -Werror -o "$work/pause" pause.c

make "$layers/pause.tar" layer_of_pause pause.c
make "$layers/debian.tar" layer_of_debian
make "$layers/rucio-current.tar" "layer_of_rucio requirements-current.txt" requirements-current.txt
make "$layers/rucio-before-37.3.tar" "layer_of_rucio requirements-before-37.3.txt" requirements-before-37.3.txt
make "$layers/tools.tar" layer_of_tools rucio-entrypoint probe.py rucio.cfg.base pause.c
make "$layers/policy.tar" layer_of_policy "${policy_files[@]}"
make "$layers/packages.tar" layer_of_packages "${policy_files[@]}"
make "$layers/wheels.tar" layer_of_wheels policy/pyproject.toml "${policy_files[@]}"

rucio_inputs=(docker_archive.py "$layers/debian.tar.key" "$layers/tools.tar.key")
make "$output/pause.tar" image_of_pause docker_archive.py "$layers/pause.tar.key"
make "$output/rucio-current.tar" "image_of_rucio current" "${rucio_inputs[@]}" "$layers/rucio-current.tar.key" \
    "$layers/wheels.tar.key"
make "$output/rucio-before-37.3.tar" "image_of_rucio before-37.3" "${rucio_inputs[@]}" \
    "$layers/rucio-before-37.3.tar.key" "$layers/wheels.tar.key"
make "$output/rucio-preinstalled.tar" image_of_preinstalled "${rucio_inputs[@]}" "$layers/rucio-current.tar.key" \
    "$layers/policy.tar.key"
make "$output/policy.tar" image_of_policy docker_archive.py "$layers/debian.tar.key" "$layers/packages.tar.key"
