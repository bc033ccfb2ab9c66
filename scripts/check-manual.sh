#!/usr/bin/env bash
# check-manual.sh PROGRAM - every flag that a verb's --help names is in the manual page.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${1:?"Usage: $0 PROGRAM"}

status=0
for verb in serve mutate check "certs generate" "certs show" "certs ensure" audit; do
    read -ra words <<<"$verb"
    while read -r flag; do
        # mdoc: "-listen" behind "Fl" prints as "--listen".
        if ! grep -qE "Fl -$flag( |$)" docs/rucio-policy-webhook.1; then
            echo "docs/rucio-policy-webhook.1 does not name $verb --$flag" >&2
            status=1
        fi
    done < <("$program" "${words[@]}" --help | grep -oE -- '--[a-z][a-z-]*' | sed 's/^--//' | sort -u)
done
exit $status
