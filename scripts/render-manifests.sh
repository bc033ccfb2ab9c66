#!/usr/bin/env bash
# render-manifests.sh [--check] - renders manifests/install.yaml and manifests/cert-manager.yaml from the chart. --check
# writes nothing and says whether they are what it would render. HELM is the program, 3.18 or later (default: helm).
#
# They are the chart with its own values, in a namespace of their own, and a ConfigMap that the administrator makes.
set -euo pipefail
cd "$(dirname "$0")/.."
# kustomize takes every reference to a name like its ConfigMap's for one to it: no other object may have it.
readonly name=rucio-policy-webhook config_map=rucio-policy-webhook-policy

print_namespace() {
    cat <<END
# $1: made by scripts/render-manifests.sh from manifests/chart. Change that instead.
# The configuration is yours to make: a ConfigMap $config_map with the key policy.yaml, in namespace $name.
---
apiVersion: v1
kind: Namespace
metadata:
  name: $name
  labels:
    app.kubernetes.io/name: $name
    pod-security.kubernetes.io/enforce: restricted
END
}

# Without what only Helm would make of it.
render() { # FILE ISSUER
    print_namespace "$1"
    "${HELM:-helm}" template $name manifests/chart --namespace $name --no-hooks --kube-version 1.30.0 \
        --set configMap=$config_map --set certificates.issuer="$2" |
        sed -E '/^ +app\.kubernetes\.io\/managed-by: Helm$/d; /^ +helm\.sh\/chart: /d; /^# Source: /d'
}

case ${1-} in
    '' | --check) ;;
    *) echo "Usage: $0 [--check]" >&2; exit 2 ;;
esac

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
render install.yaml ensure >"$folder/install.yaml"
render cert-manager.yaml cert-manager >"$folder/cert-manager.yaml"

if [ "${1-}" = --check ]; then
    for file in install.yaml cert-manager.yaml; do
        diff -u "manifests/$file" "$folder/$file" || {
            echo "manifests/$file is not what the chart renders: run scripts/render-manifests.sh" >&2; exit 1; }
    done
else
    cp "$folder"/*.yaml manifests
fi
