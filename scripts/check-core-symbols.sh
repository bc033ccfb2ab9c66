#!/usr/bin/env bash
# check-core-symbols.sh LIBRARY - the core's release library needs nothing but the C library's functions on memory, and holds
# no variable: what it cannot call it cannot do, and what it cannot keep it cannot leak from one request into the next.
set -euo pipefail
library=${1:?"Usage: $0 librpw-core.a"}

allowed='memcpy|memmove|memset|memcmp|memchr|strlen|bcmp|__[a-z]+_chk|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_'
status=0

defined=$(nm --defined-only -g "$library" | awk 'NF == 3 { print $3 }' | sort -u)
undefined=$(nm -u "$library" | awk '$1 == "U" { print $2 }' | sort -u)
foreign=$(comm -23 <(echo "$undefined") <(echo "$defined") | grep -vxE "$allowed" || true)
if [ -n "$foreign" ]; then
    printf 'the core calls what it may not:\n%s\n' "$foreign" >&2
    status=1
fi

# Constant tables of pointers are in .data.rel.ro: written by the loader, read-only afterwards.
variables=$(objdump -t "$library" | awk '$0 ~ /[[:space:]](\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ && !/\.data\.rel\.ro/ && $NF !~ /^\./' || true)
if [ -n "$variables" ]; then
    printf 'the core holds variables:\n%s\n' "$variables" >&2
    status=1
fi
exit $status
