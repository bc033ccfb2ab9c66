#!/bin/sh
# What a review costs: requests a second and the server's CPU per request, beside the same server with a constant answer.
#
# The server is pinned to one processor and wrk to another, and the two servers take turns, so that a slow minute of the
# machine hits both. CPU per request is the honest figure: wrk with one thread saturates before the server does.
#
# Usage: bench/run.sh [REVIEW [CONFIG]]      a file with an AdmissionReview, the policies to answer it with
# Environment: ROUNDS (5), SECONDS_EACH (4), CONNECTIONS (16), BUILD (a release build, made if need be)
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-4}
connections=${CONNECTIONS:-16}
build=${BUILD:-$root/build/bench}
REVIEW=${1:-$root/examples/server.json}
config=${2:-$root/examples/policy.yaml}
export REVIEW

if ! command -v wrk >/dev/null || [ "$(nproc)" -lt 2 ]; then
    echo "bench/run.sh: needs wrk (the Debian package) and two processors" >&2
    exit 1
fi

folder=$(mktemp -d)
server=
stop() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" || true
        server=
    fi
}
trap 'stop; rm -rf "$folder"' EXIT INT TERM

if [ -z "${BUILD:-}" ]; then
    cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DRPW_BUILD_TESTS=OFF -DRPW_BUILD_BENCH=ON >/dev/null
    cmake --build "$build" --parallel 2 >/dev/null
fi
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$folder/key" -out "$folder/crt" 2>/dev/null

# start LOG COMMAND...: starts a server on processor 0 and finds its port.
start() {
    log=$1
    shift
    rm -f "$log"
    taskset -c 0 "$@" 2>"$log" &
    server=$!
    until grep -qs '"message":"ready"' "$log"; do
        kill -0 "$server" || { cat "$log" >&2; exit 1; }
        sleep 0.05
    done
    port=$(sed -n 's/.*"endpoint":"webhook","address":"127.0.0.1:\([0-9]*\)".*/\1/p' "$log")
}

start_webhook() {
    start "$folder/webhook.log" "$build/rucio-policy-webhook" serve --config "$config" --tls-cert "$folder/crt" \
        --tls-key "$folder/key" --listen 127.0.0.1:0 --ops-listen 127.0.0.1:0 --threads 1 --drain-delay 0s \
        --max-requests-per-connection 0
}

start_static() {
    start "$folder/static.log" "$build/bench/static_reply" "$folder/crt" "$folder/key" 127.0.0.1:0 127.0.0.1:0 1 \
        "$folder/answer"
}

# User and system time of the server, in clock ticks.
ticks() {
    sed 's/.*) //' "/proc/$server/stat" | awk '{print $12 + $13}'
}

# measure NAME: one run against the server that is up; appends "requests/s microseconds-per-request" to the results.
measure() {
    before=$(ticks)
    taskset -c 1 wrk -t1 -c"$connections" -d"${seconds}s" -s "$root/bench/post.lua" "https://127.0.0.1:$port/mutate" \
        >"$folder/wrk"
    after=$(ticks)
    if grep -E 'Non-2xx|Socket errors' "$folder/wrk" >&2; then
        exit 1
    fi
    awk -v ticks=$((after - before)) -v hertz="$(getconf CLK_TCK)" '
        / requests in / { count = $1 }
        /^Requests\/sec/ { rate = $2 }
        END { printf "%.0f %.2f\n", rate, ticks / hertz * 1e6 / count }' "$folder/wrk" >>"$folder/$1"
    printf '  %-8s %s\n' "$1" "$(tail -n 1 "$folder/$1" | awk '{printf "%6d requests/s, %6.2f us CPU per request", $1, $2}')"
}

start_webhook
curl --silent --fail --cacert "$folder/crt" --header 'Content-Type: application/json' --data-binary "@$REVIEW" \
    --output "$folder/answer" "https://localhost:$port/mutate"
stop
echo "review $(wc -c <"$REVIEW") bytes, answer $(wc -c <"$folder/answer") bytes, $connections connections"

round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    echo "round $round"
    start_static
    measure static
    stop
    start_webhook
    measure webhook
    stop
done

median() {
    awk -v column="$2" '{print $column}' "$folder/$1" | sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'
}
awk -v sr="$(median static 1)" -v wr="$(median webhook 1)" -v sc="$(median static 2)" -v wc="$(median webhook 2)" 'BEGIN {
    printf "median: static %d requests/s, webhook %d requests/s: %.2f of it\n", sr, wr, wr / sr
    printf "median: static %.2f us, webhook %.2f us CPU per request: %.2f of the speed, %.2f us for the mutation\n",
           sc, wc, sc / wc, wc - sc }'
