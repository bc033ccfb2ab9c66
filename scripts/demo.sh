#!/usr/bin/env bash
# demo.sh - shows the webhook at work: installs what is missing, builds, makes certificates, serves on loopback,
# posts the sample AdmissionReviews of examples/ and shows each pod before and after. Debian 12 or 13, as root or
# with sudo; asks nothing. Exit 0 when every sample does what is said of it here.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly program=build/release/rucio-policy-webhook work=build/demo

# Posts a sample and shows what becomes of it. The variables are those that the Rucio container must then have (NAME=VALUE),
# have with any value (NAME=), or not have (-NAME).
failures=0
show() { # sample, patched|allowed, what it shows, variables...
    local sample=$1 outcome=$2 story=$3
    say "$sample"
    echo "$story"
    echo
    curl --silent --show-error --fail --cacert "$work/certs/ca.crt" -H 'Content-Type: application/json' \
        --data-binary "@examples/$sample" -o "$work/answer-$sample" "https://$address/mutate?timeout=5s" ||
        die "curl could not post examples/$sample"
    scripts/show-answer.py "examples/$sample" "$work/answer-$sample" "$outcome" "${@:4}" || failures=$((failures + 1))
}

say() {
    if [ -t 1 ]; then
        printf '\n\033[1m== %s\033[0m\n' "$*"
    else
        printf '\n== %s\n' "$*"
    fi
}

die() {
    echo "demo.sh: $*" >&2
    exit 1
}

server=""
stop_server() {
    [ -n "$server" ] || return 0
    kill "$server" 2>/dev/null || true
    wait "$server" || true
    server=""
}
trap stop_server EXIT

# The address is in the log line "listening": the kernel picked the port.
wait_for_address() {
    local deadline=$((SECONDS + 20))
    while [ $SECONDS -lt $deadline ]; do
        address=$(sed -nE '/"listening","endpoint":"webhook"/s/.*"(127\.0\.0\.1:[0-9]+)".*/\1/p' "$work/server.log" | head -n 1)
        [ -z "$address" ] || return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.05
    done
    cat "$work/server.log" >&2
    die "the server did not start"
}

say "packages and build"
scripts/install-packages.sh demo
mkdir -p "$work"
scripts/build.sh release rucio-policy-webhook >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; die "it does not build"; }
"$program" --version

say "certificates for localhost, and the server"
"$program" certs generate --dns localhost --ip 127.0.0.1 --valid-for 30d --out "$work/certs" --force >/dev/null
: >"$work/server.log"
"$program" serve --config examples/policy.yaml --tls-cert "$work/certs/tls.crt" --tls-key "$work/certs/tls.key" \
    --listen 127.0.0.1:0 --ops-listen 127.0.0.1:0 --drain-delay 0s 2>"$work/server.log" &
server=$!
wait_for_address
echo "https://$address/mutate, policies from examples/policy.yaml"

show server.json patched \
    "A server pod as Rucio's Helm chart makes it: it gets the volume, its mount, and the variables. Its side container is
left alone." \
    POLICY_PKG_PATH=/opt/rucio/policy RUCIO_POLICY_PACKAGE=atlas_rucio_policy_package \
    RUCIO_CFG_POLICY_PACKAGE=atlas_rucio_policy_package PYTHONPATH=/opt/rucio/policy
show pythonpath-literal.json patched \
    "A daemon that has a PYTHONPATH keeps it; the policy's path goes in front." \
    PYTHONPATH=/opt/rucio/policy:/opt/site/python:/opt/site/lib
# shellcheck disable=SC2016 # the kubelet expands it, not the shell
show pythonpath-from-configmap.json patched \
    "A PYTHONPATH that comes from a ConfigMap cannot be read here: it is renamed, and the new one refers to it." \
    RUCIO_POLICY_BASE_PYTHONPATH= 'PYTHONPATH=/opt/rucio/policy:$(RUCIO_POLICY_BASE_PYTHONPATH)'
show conflict.json patched \
    "A pod that names another package keeps its choice (onConflict: keep). It gets the rest, and a warning and an annotation
say so." \
    RUCIO_POLICY_PACKAGE=site_rucio_policy POLICY_PKG_PATH=/opt/rucio/policy
show opted-out.json allowed \
    "A daemon with the annotation policy.rucio.cern.ch/inject: \"false\" is left as it is." \
    -POLICY_PKG_PATH -PYTHONPATH
show not-rucio.json allowed \
    "A pod that has nothing to do with Rucio is left as it is." \
    -POLICY_PKG_PATH -PYTHONPATH

say "stopping the server"
stop_server
[ $failures -eq 0 ] || die "$failures of the samples did not do what is said of them"
echo "every sample did what is said of it"
