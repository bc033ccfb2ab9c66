#!/bin/sh
# install-packages.sh ARCHITECTURE - installs what compiles the program for that architecture, on Debian 12 of this or
# another one. A step of the Dockerfile.
set -eu
# shellcheck source=scripts/image/architecture.sh
. "$(dirname "$0")/architecture.sh"

compiler=gcc
if [ "$architecture" != "$native" ]; then
    dpkg --add-architecture "$architecture"
    compiler=gcc-$(echo "$triplet" | tr _ -)
fi

export DEBIAN_FRONTEND=noninteractive
apt-get -q update
# The base may be older than the last security update. A library is installed for two architectures in one version only.
apt-get -q -y upgrade
apt-get -q -y install --no-install-recommends cmake ninja-build pkg-config python3 binutils "$compiler" \
    "libc6-dev:$architecture" "libmicrohttpd-dev:$architecture" "libgnutls28-dev:$architecture" \
    "libssl-dev:$architecture" "libcurl4-openssl-dev:$architecture" "libjansson-dev:$architecture" \
    "libfyaml-dev:$architecture"
rm -rf /var/lib/apt/lists/*
