#!/bin/sh
# cluster.sh [--check | --write] [VERSION...] - what a webhook costs where it is used: pods a second through a real
# kube-apiserver of these versions of Kubernetes (1.36.3 and 1.37.2), created by four clients with dryRun.
#
# Compared are: no webhook, a webhook that allows without a patch (the limit of any webhook), this one, one in Go that makes
# the same patch, and a MutatingAdmissionPolicy that makes the same edits inside of the apiserver. They take turns.
# kube-apiserver is built from its Go module (3 to 10 minutes each, the first time); it, Debian's etcd and all else run in a
# network namespace of their own. --check and --write: as for bench/run.sh, with docs/performance-cluster.json and .svg.
#
# Takes about 6 minutes. Needs root, Go, etcd, wrk, iproute2, python3-yaml.
# Environment: ROUNDS (5), SECONDS_EACH (4), RPW_BENCH_DIR (build/bench: where programs in Go are built; 250 MB)
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
mode=
case ${1-} in
    --check | --write) mode=$1; shift ;;
    -*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
[ $# -gt 0 ] || set -- 1.36.3 1.37.2

for needed in go etcd wrk ip openssl cmake; do
    command -v "$needed" >/dev/null || { echo "bench/cluster.sh: needs $needed" >&2; exit 1; }
done
[ "$(id -u)" -eq 0 ] || { echo "bench/cluster.sh: needs root, for a network namespace" >&2; exit 1; }

build=$root/build/bench
cache=${RPW_BENCH_DIR:-$build}
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DRPW_BUILD_TESTS=OFF -DRPW_BUILD_BENCH=ON >/dev/null
cmake --build "$build" --parallel 2 >/dev/null
"$root/bench/peers/build.sh" "$cache/peers"
for version; do
    "$root/bench/cluster/build-apiserver.sh" "$version" "$cache/kubernetes-$version"
done
# shellcheck disable=SC2016 # what is in quotes belongs to the inner shell
PYTHONDONTWRITEBYTECODE=1 exec unshare --net --pid --fork --kill-child --mount-proc sh -c \
    'ip link set lo up && exec /usr/bin/python3 "$@"' \
    cluster "$root/bench/cluster/measure.py" ${mode:+"$mode"} --build "$build" --cache "$cache" "$@"
