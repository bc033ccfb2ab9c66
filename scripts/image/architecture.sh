#!/bin/sh
# Sourced by the scripts beside it, whose first argument is the architecture of the image: what others call it. Docker
# and Debian agree on these names. Empty, from a builder that knows no such variable, is the machine's own.
native=$(dpkg --print-architecture)
architecture=${1:-$native}
case $architecture in
    amd64) machine=x86_64 ;;
    arm64) machine=aarch64 ;;
    *) echo "$0: the architecture is '$architecture'; expected amd64 or arm64" >&2; exit 1 ;;
esac
# shellcheck disable=SC2034 # for the one that sources it
triplet=$machine-linux-gnu
