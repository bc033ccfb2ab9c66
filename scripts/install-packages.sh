#!/usr/bin/env bash
# install-packages.sh [--print] build|demo|test|e2e - installs what is missing for that purpose on Debian 12 or 13. Asks
# nothing; as root, or with sudo. When nothing is missing it needs neither network nor rights. --print lists the packages
# instead; `--print pinned` those of `test` whose version decides the result.
set -euo pipefail

build=(gcc libc6-dev cmake ninja-build pkg-config
       libmicrohttpd-dev libgnutls28-dev libssl-dev libcurl4-openssl-dev libjansson-dev libfyaml-dev libcmocka-dev)
demo=("${build[@]}" openssl curl python3 python3-jsonpatch python3-yaml)
test=("${demo[@]}" faketime clang libclang-rt-dev patch shellcheck wrk python3-pip python3-prometheus-client python3-jsonschema zsh fish)
# A Kubernetes node and container images, without Docker, also for another architecture. Debian 12.
e2e=("${demo[@]}" faketime etcd-server runc containernetworking-plugins nftables iproute2 conntrack mmdebstrap python3-pip
     buildah qemu-user-static binutils)
# Their version decides what they say. Only where the distribution has it; test.sh goes without them elsewhere.
pinned=(clang-format-14 clang-tidy-14)

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

print_missing() {
    local package
    for package in "${wanted[@]}"; do
        is_installed "$package" || echo "$package"
    done
    for package in "${optional[@]}"; do
        is_installed "$package" || ! apt-cache show "$package" >/dev/null 2>&1 || echo "$package"
    done
}

run_apt_get() {
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 "$@" </dev/null
}

print=""
if [ "${1-}" = --print ]; then
    print=yes
    shift
fi
optional=()
case $print:${1-} in
    *:build) wanted=("${build[@]}") ;;
    *:demo) wanted=("${demo[@]}") ;;
    *:test) wanted=("${test[@]}") optional=("${pinned[@]}") ;;
    *:e2e) wanted=("${e2e[@]}") ;;
    yes:pinned) wanted=("${pinned[@]}") ;;
    *) echo "Usage: $0 [--print] build|demo|test|e2e" >&2; exit 2 ;;
esac
if [ -n "$print" ]; then
    printf '%s\n' "${wanted[@]}" "${optional[@]}"
    exit
fi

if [ -n "$(print_missing)" ]; then
    run_apt_get update
    mapfile -t missing < <(print_missing)
    echo "installing: ${missing[*]}"
    run_apt_get install -y --no-install-recommends "${missing[@]}"
fi
