#!/usr/bin/env bash
# check-layers.sh - includes go one way: cli -> {server, certs, kube, manifest -> config} -> core, and within the core
# mutate -> inject -> patch -> review -> bytes. The core includes nothing outside the core but a handful of headers of
# the C library.
set -euo pipefail
cd "$(dirname "$0")/.."

c_library='stdbool\.h|stddef\.h|stdint\.h|string\.h|stdalign\.h|assert\.h'
status=0

complain() { # file, included, why
    echo "$1 includes $2: $3" >&2
    status=1
}

# The layers that a layer may include besides itself and the core.
print_allowed() {
    case $1 in
        cli) echo server certs kube manifest config ;;
        manifest) echo config ;;
        core | server | certs | kube | config) ;;
        *) echo "src/$1 is no layer that check-layers.sh knows" >&2; exit 1 ;;
    esac
}

check_quoted() { # layer, file, included
    local other
    case $3 in rpw/*) return ;; esac
    [ ! -e "src/$1/$3" ] || return 0
    for other in $(print_allowed "$1"); do
        [ ! -e "src/$other/$3" ] || return 0
    done
    complain "$2" "\"$3\"" "it is neither in src/$1 nor in a layer below it"
}

for file in src/*/*.[ch]; do
    layer=$(basename "$(dirname "$file")")
    while read -r included; do
        check_quoted "$layer" "$file" "$included"
    done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]*)".*/\1/p' "$file")
done

mapfile -t core_files < <(find include/rpw src/core -name '*.[ch]' | sort)
for file in "${core_files[@]}"; do
    allowed=$c_library
    # The arena tells AddressSanitizer what is in use.
    [ "$file" != src/core/bytes/arena.c ] || allowed+='|sanitizer/asan_interface\.h'
    while read -r included; do
        [[ $included =~ ^($allowed)$ ]] || complain "$file" "<$included>" "the core may not"
    done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*<([^>]*)>.*/\1/p' "$file")
done

# The folders of the core, from the bottom up; what stands in none of them (mutate) is on top.
readonly core_layers="bytes review patch inject"

check_core_include() { # file, its layer, included
    local below=${core_layers%%"$2"*}$2 included_layer=${3#rpw/}
    included_layer=${included_layer%%/*}
    case $3 in
        rpw/*/*) [[ " $below " == *" $included_layer "* ]] || complain "$1" "\"$3\"" "$2 is below $included_layer" ;;
        rpw/*) complain "$1" "\"$3\"" "it is above $2" ;;
        *) [ -e "src/core/$2/$3" ] || complain "$1" "\"$3\"" "it is neither a contract nor in src/core/$2" ;;
    esac
}

for file in "${core_files[@]}"; do
    layer=$(basename "$(dirname "$file")")
    [[ " $core_layers " == *" $layer "* ]] || layer=rpw
    while read -r included; do
        [ "$layer" == rpw ] || check_core_include "$file" "$layer" "$included"
    done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]*)".*/\1/p' "$file")
done

for file in include/rpw/*.h include/rpw/*/*.h; do
    while read -r included; do
        [[ $included == rpw/* ]] || complain "$file" "\"$included\"" "a contract may include only rpw/*.h"
    done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]*)".*/\1/p' "$file")
done
exit $status
