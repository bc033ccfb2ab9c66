#!/usr/bin/env bash
# fuzz-yaml.sh [COUNT [SEED]] - generates COUNT (20000) documents of YAML and compares how `mutate` and kubectl read them, and what
# kubectl makes of what `mutate` writes. Needs kubectl and a built program (RPW_PROGRAM, else build/release). No cluster.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v kubectl >/dev/null || { echo "fuzz-yaml.sh: kubectl is not there (scripts/cluster.sh builds one)" >&2; exit 1; }
export RPW_PROGRAM=${RPW_PROGRAM:-$PWD/build/release/rucio-policy-webhook}
export RPW_YAML_DOCUMENTS=${1:-20000} RPW_YAML_SEED=${2:-1}
cd tests/integration
exec python3 -m unittest -v mutate_kubectl
