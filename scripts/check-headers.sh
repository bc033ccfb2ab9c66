#!/usr/bin/env bash
# check-headers.sh [COMPILER...] - every header compiles alone, and twice in one file. Default: gcc and clang.
set -euo pipefail
cd "$(dirname "$0")/.."
compilers=("$@")
[ $# -gt 0 ] || compilers=(gcc clang)

flags=(-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wundef -Werror
       -Wno-unused-function -Wno-unused-variable -fsyntax-only -x c)
status=0
for header in include/rpw/*.h include/rpw/*/*.h src/*/*.h src/core/*/*.h tests/*/*.h; do
    [ -e "$header" ] || continue
    include=(-Iinclude)
    case $header in
        src/core/*) ;;
        src/cli/*) include+=(-Isrc/cli -Isrc/config -Isrc/server -Isrc/certs -Isrc/kube -Isrc/manifest) ;;
        src/manifest/*) include+=(-Isrc/manifest -Isrc/config) ;;
        src/*) include+=("-I$(dirname "$header")") ;;
        tests/*) include+=(-Itests/unit -Isrc/cli -Isrc/config -Isrc/server -Isrc/certs -Isrc/kube -Isrc/manifest) ;;
    esac
    for compiler in "${compilers[@]}"; do
        if ! printf '#include "%s"\n#include "%s"\n' "$PWD/$header" "$PWD/$header" |
            "$compiler" "${flags[@]}" "${include[@]}" -; then
            echo "$header does not compile alone with $compiler" >&2
            status=1
        fi
    done
done
exit $status
