#!/usr/bin/env bash
# install-packages.sh build|demo|test|e2e - installs what is missing for that purpose on Debian 12, Ubuntu 22.04 or 24.04.
# Asks nothing; as root, or with sudo. When nothing is missing it needs neither network nor rights.
set -euo pipefail

build=(gcc libc6-dev cmake ninja-build pkg-config
       libmicrohttpd-dev libgnutls28-dev libssl-dev libcurl4-openssl-dev libjansson-dev libfyaml-dev libcmocka-dev)
demo=("${build[@]}" openssl curl python3 python3-jsonpatch python3-yaml)
# clang 14 is in all of them: one version, so that formatting and diagnostics are everybody's.
test=("${demo[@]}" binutils clang-14 clang-format-14 clang-tidy-14 shellcheck python3-hypothesis
      python3-jsonschema zsh fish)
# A Kubernetes node and container images, without Docker, also for another architecture. Debian 12.
e2e=("${demo[@]}" etcd-server containerd runc containernetworking-plugins nftables iproute2 conntrack mmdebstrap python3-pip
     buildah qemu-user-static binutils)
# Only where the distribution has it; elsewhere it is a part of clang-14.
test_optional=(libclang-rt-14-dev)

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

optional=()
case ${1-} in
    build) wanted=("${build[@]}") ;;
    demo) wanted=("${demo[@]}") ;;
    test) wanted=("${test[@]}") optional=("${test_optional[@]}") ;;
    e2e) wanted=("${e2e[@]}") ;;
    *) echo "Usage: $0 build|demo|test|e2e" >&2; exit 2 ;;
esac

if [ -n "$(print_missing)" ]; then
    run_apt_get update
    mapfile -t missing < <(print_missing)
    echo "installing: ${missing[*]}"
    run_apt_get install -y --no-install-recommends "${missing[@]}"
fi
