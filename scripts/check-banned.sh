#!/usr/bin/env bash
# check-banned.sh - no function that writes without a bound, hides errors, or keeps its result in a global; in the core also
# nothing that allocates, prints, or asks the world.
set -euo pipefail
cd "$(dirname "$0")/.."

anywhere='strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|sscanf|alloca|gmtime|localtime|asctime|ctime'
in_core='malloc|calloc|realloc|free|strdup|time|clock_gettime|getenv|printf|fprintf|snprintf|vsnprintf|puts|fputs|abort|exit'

status=0
check() { # names, folder...
    local names=$1
    shift
    if grep -rnE --include='*.[ch]' "(^|[^A-Za-z0-9_])($names)[[:space:]]*\(" "$@"; then
        status=1
    fi
}

check "$anywhere" include src tests
check "$in_core" include src/core
[ $status -eq 0 ] || echo "banned: the functions called above must not be used here (scripts/check-banned.sh has the list)" >&2
exit $status
