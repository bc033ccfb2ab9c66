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

# Every key of the configuration: a row in the table of its section, or a mention where Kubernetes defines the key.
print_keys() { # lines "FIELD KEY", as the tables have them
    sed -nE 's/^const struct rpw_shape rpw_keys_of_([a-z_]+)\[\].*/FIELD \1/p; s/^#define INSTALLER_ROWS.*/FIELD installer/p
        s/^[^"]*\{+[A-Z]+\("([A-Za-z]+)".*/KEY \1/p; s/^[^"]*\{\.name = "([A-Za-z]+)".*/KEY \1/p; s/^ *WORD\("([A-Za-z]+)".*/KEY \1/p' \
        src/config/keys.c | awk '$1 == "FIELD" { field = $2; next } field == "installer" { print "pip", $2; print "copy", $2; next }
                                 { print field, $2 }'
}

has_row() { # heading, key
    awk -v heading="$1" -v row="| \`$2\` |" '
        /^#/ { is_here = ($0 ~ "^#+ " heading "$") }
        is_here && index($0, row) == 1 { has_row = 1 }
        END { exit !has_row }' docs/configuration.md
}

while read -r field key; do
    case $field in
        file) has_row "The file" "$key" ;;
        policy) has_row "A policy" "$key" ;;
        match | source | pip | copy) has_row "$field" "$key" ;;
        *) grep -qF "\`$key\`" docs/configuration.md ;;
    esac || complain "docs/configuration.md does not describe the key $key of $field"
done < <(print_keys)

# Links to files, from where the page is.
for page in ./*.md docs/*.md certs/*.md; do
    while IFS= read -r link; do
        [ -e "$(dirname "$page")/$link" ] || complain "$page links to $link, which is not there"
    done < <(grep -oE '\]\([^)#]+' "$page" | sed 's/^](//' | grep -vE '^https?:' || true)
done
exit $status
