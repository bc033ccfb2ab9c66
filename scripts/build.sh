#!/usr/bin/env bash
# build.sh PRESET [TARGET...] - configures build/PRESET unless that was done, and builds the targets (default: all of them).
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:?"Usage: $0 PRESET [TARGET...]"}
targets=("${@:2}")
[ ${#targets[@]} -eq 0 ] || targets=(--target "${targets[@]}")

export CMAKE_GENERATOR=${CMAKE_GENERATOR:-Ninja}
folder=build/$preset
# Configuring writes the cache before it can fail, and the build file only when it succeeds. What a failed one found is not
# to be trusted.
if ! [ -f "$folder/build.ninja" ] && ! [ -f "$folder/Makefile" ]; then
    rm -rf "$folder/CMakeCache.txt" "$folder/CMakeFiles"
    cmake --preset "$preset"
fi
cmake --build --preset "$preset" -j "$(nproc)" "${targets[@]}"
