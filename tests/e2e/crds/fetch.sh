#!/usr/bin/env bash
# fetch.sh OUTPUT_DIR - the CustomResourceDefinitions of cert-manager (the version of ../cert_manager) and, as far as
# the chart makes objects of them, of the Prometheus operator, from the projects' Go modules. Those that were there
# before are removed.
set -euo pipefail

[ $# -eq 1 ] || { echo "Usage: $0 OUTPUT_DIR" >&2; exit 2; }
mkdir -p "$1"
output=$(cd "$1" && pwd)
rm -f "$output"/*.yaml
cd "$(dirname "$0")"

copy() { # folder with the go.mod, module, folder in it, file...
    local folder
    folder=$(cd "$1" && GOWORK=off go mod download -json "$2" | sed -nE 's/^\t"Dir": "(.*)",$/\1/p')
    (cd "$folder/$3" && install -m 644 -t "$output" "${@:4}")
}

copy ../cert_manager github.com/cert-manager/cert-manager deploy/crds \
    cert-manager.io_{certificaterequests,certificates,clusterissuers,issuers}.yaml \
    acme.cert-manager.io_{challenges,orders}.yaml
copy . github.com/prometheus-operator/prometheus-operator example/prometheus-operator-crd \
    monitoring.coreos.com_{prometheusrules,servicemonitors}.yaml
