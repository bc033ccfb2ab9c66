#!/usr/bin/env bash
# build-apiserver.sh VERSION FOLDER - FOLDER/kube-apiserver of that Kubernetes release (1.36.3, say), from its Go module.
#
# The go.mod is made from the release's own, whose local replacements become published modules. Takes 6 to 9 minutes of
# two processors the first time, and nothing when it is there. Needs Go and its module proxy.
set -euo pipefail

version=$1 module=k8s.io/kubernetes
[ ! -x "$2/kube-apiserver" ] || exit 0
mkdir -p "$2/module"
folder=$(cd "$2" && pwd)
cd "$folder/module"
export CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=mod

release=$(cd / && go mod download -json "$module@v$version" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
[ -n "$release" ] || { echo "build-apiserver.sh: the module proxy has no $module v$version" >&2; exit 1; }
{
    echo "module rucio-policy-webhook/bench/cluster"
    grep -E '^go ' "$release"
    sed -n '/^godebug/,/^)/p' "$release" | sed '/^godebug [^(]*$/q'
    echo "tool $module/cmd/kube-apiserver"
    echo "require $module v$version"
    sed -nE "s|^\s*(k8s.io/[a-z0-9-]+) => ./staging/src/.*|replace \1 => \1 v0.${version#*.}|p" "$release"
} >go.mod
go mod tidy
nice -n 19 go build -trimpath -buildvcs=false -o "$folder/kube-apiserver.new" -ldflags "-s -w \
    -X k8s.io/component-base/version.gitVersion=v$version \
    -X k8s.io/component-base/version.gitMajor=${version%%.*} \
    -X k8s.io/component-base/version.gitMinor=$(cut -d. -f2 <<<"$version")" "$module/cmd/kube-apiserver"
mv "$folder/kube-apiserver.new" "$folder/kube-apiserver"
