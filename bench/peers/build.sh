#!/bin/sh
# build.sh FOLDER - builds the webhooks in Go that bench/ compares with. Needs Go 1.26 and, once, its module proxy.
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")"
CGO_ENABLED=0 GOWORK=off nice -n 19 go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$folder/" \
    ./controller-runtime ./kubewebhook
