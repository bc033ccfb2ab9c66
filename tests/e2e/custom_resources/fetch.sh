#!/usr/bin/env bash
# fetch.sh OUTPUT_DIR - the CustomResourceDefinitions of cert-manager and of the Prometheus operator that the chart makes objects
# of, from the projects' Go modules.
set -euo pipefail

[ $# -eq 1 ] || { echo "Usage: $0 OUTPUT_DIR" >&2; exit 2; }
mkdir -p "$1"
output=$(cd "$1" && pwd)
cd "$(dirname "$0")"

copy() { # module, file...
    local folder
    folder=$(GOWORK=off go mod download -json "$1" | sed -nE 's/^\t"Dir": "(.*)",$/\1/p')
    (cd "$folder" && install -m 644 "${@:2}" -t "$output")
}

copy github.com/cert-manager/cert-manager deploy/crds/cert-manager.io_{certificates,issuers}.yaml
copy github.com/prometheus-operator/prometheus-operator \
    example/prometheus-operator-crd/monitoring.coreos.com_{prometheusrules,servicemonitors}.yaml
