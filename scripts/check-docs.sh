#!/usr/bin/env bash
# check-docs.sh - what the documentation repeats from the code is the same there, and its links lead somewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
status=0

complain() {
    echo "$*" >&2
    status=1
}

# The table at the head of mutate.h, row by row.
while IFS= read -r row; do
    grep -qxF -- "$row" docs/reference.md || complain "docs/reference.md lacks the row of include/rpw/mutate.h: $row"
done < <(sed -nE 's/^ \* (\|.*\|)$/\1/p' include/rpw/mutate.h)

# Every outcome and reason that a log line can have.
while IFS= read -r word; do
    grep -qF "\`$word\`" docs/reference.md || complain "docs/reference.md does not explain \`$word\`"
done < <(sed -nE 's/^ *\[RPW_(REASON|OUTCOME)_[A-Z_]+\] = \{?"([a-z_]+)".*/\2/p' src/core/mutate.c
    sed -nE 's/^ *\[RPW_REFUSAL_[A-Z_]+\] = \{[0-9]+, [a-z]+, "([a-z_]+)"\}.*/\1/p' src/server/refusal.c | grep -vx none)

# Links to files, from where the page is.
for page in ./*.md docs/*.md certs/*.md; do
    while IFS= read -r link; do
        [ -e "$(dirname "$page")/$link" ] || complain "$page links to $link, which is not there"
    done < <(grep -oE '\]\([^)#]+' "$page" | sed 's/^](//' | grep -vE '^https?:' || true)
done
exit $status
