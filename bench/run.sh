#!/bin/sh
# run.sh [--quick | --check | --write] - what a review costs: CPU of the server, latency, memory, beside a static reply of
# the same server and beside webhooks in Go that make the same patch.
#
# The servers are pinned to one processor and the clients to another, and the servers take turns, so that a slow minute of
# the machine hits all of them. CPU per request is the honest figure: wrk with one thread saturates before the server does.
# What is compared are ratios of one run. Prints tables; the figures, and a plot of them, are in
# build/bench/performance.json and .svg.
#
#   --quick   seconds: one round, no Go, nothing that takes long
#   --check   fails when a ratio of docs/performance.json is lost by more than a tenth
#   --write   records: the tables into docs/performance.md, the rest into docs/performance.json and docs/performance.svg
#
# Takes about 8 minutes, with the first build of the peers in Go 2 more.
# Environment: ROUNDS (5), SECONDS_EACH (4), IDLE_CONNECTIONS (800), CORE_MS (200), REVIEWS (1000000, of the run that looks at
# memory), PEER_MEMORY_SECONDS (30, a peer's part in that), RPW_BENCH_DIR (build/bench: where programs in Go are built),
# BUILD (a build of everything: it is not built again)
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
mode=${1-}
case $mode in
    '' | --quick | --check | --write) ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

for needed in wrk openssl $([ "$mode" = --quick ] || echo go); do
    command -v "$needed" >/dev/null || { echo "bench/run.sh: needs $needed" >&2; exit 1; }
done
[ "$(nproc)" -ge 2 ] || { echo "bench/run.sh: needs two processors" >&2; exit 1; }

build=${BUILD:-$root/build/bench}
if [ -z "${BUILD:-}" ]; then
    cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DRPW_BUILD_TESTS=OFF -DRPW_BUILD_BENCH=ON >/dev/null
    cmake --build "$build" --parallel 2 >/dev/null
fi
build=$(cd "$build" && pwd)
cache=${RPW_BENCH_DIR:-$root/build/bench}
if [ "$mode" != --quick ]; then
    "$root/bench/peers/build.sh" "$cache/peers"
fi
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 "$root/bench/measure.py" ${mode:+"$mode"} --build "$build" --cache "$cache"
