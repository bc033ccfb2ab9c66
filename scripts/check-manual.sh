#!/usr/bin/env bash
# check-manual.sh [--update] PROGRAM - the manual page's list of verbs and flags is what the program says of itself.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=check
[ "${1:-}" != --update ] || { mode=update; shift; }
program=${1:?"Usage: $0 [--update] PROGRAM"}
page=docs/rucio-policy-webhook.1

expected=$(awk -v program="$program" '
    /^\.\\" end$/ { is_inside = 0 }
    !is_inside { print }
    /^\.\\" begin: / { is_inside = 1; system(program " help --manual") }' "$page")
if [ $mode = update ]; then
    printf '%s\n' "$expected" >"$page"
elif ! diff -u "$page" <(printf '%s\n' "$expected"); then
    echo "$page is out of date: scripts/check-manual.sh --update PROGRAM writes it" >&2
    exit 1
fi
