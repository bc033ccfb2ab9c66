#!/usr/bin/env bash
# fuzz.sh SECONDS [TARGET...] - fuzzes each target (default: json_reader and mutate) for that long on every processor,
# starting from the tracked corpus in tests/fuzz/corpus. What is found goes to build/fuzz: new inputs to corpus/TARGET,
# reproducers to findings/TARGET. Prints the executions of each target; exits 1 with the reproducer's path on a find.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1-}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "Usage: $0 SECONDS [json_reader|mutate...]" >&2; exit 2; }
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(json_reader mutate)

compiler=clang-14
command -v $compiler >/dev/null || compiler=clang
export CMAKE_GENERATOR=${CMAKE_GENERATOR:-Ninja}
[ -f build/fuzz/CMakeCache.txt ] || cmake --preset fuzz -DCMAKE_C_COMPILER=$compiler >/dev/null
cmake --build --preset fuzz -j "$(nproc)" --target "${targets[@]/#/fuzz_}"

# The golden cases are good beginnings too: each pod on one line, behind the two bytes that fuzz_mutate.c reads first.
seed_from_golden_cases() { # folder
    mkdir -p "$1"
    python3 - "$1" tests/golden/*/pod.json <<'END'
import json, os, sys
for number, path in enumerate(sys.argv[2:]):
    with open(path, encoding="utf-8") as file:
        pod = json.dumps(json.load(file), separators=(",", ":"))
    name = os.path.basename(os.path.dirname(path))
    with open(os.path.join(sys.argv[1], name), "w", encoding="utf-8") as file:
        file.write(f"{number % 7}1{pod}")
END
}

status=0
for target in "${targets[@]}"; do
    new=build/fuzz/corpus/$target findings=build/fuzz/findings/$target log=build/fuzz/$target.log
    mkdir -p "$new" "$findings"
    rm -f "$log".*
    [ "$target" != mutate ] || seed_from_golden_cases "$new"
    echo "fuzz_$target: $seconds s"
    # Its own processes would hide the count of executions: one process for each processor, by hand.
    pids=()
    for ((worker = 0; worker < $(nproc); worker++)); do
        "build/fuzz/tests/fuzz_$target" -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=2048 \
            -dict=tests/fuzz/json.dict -reload=1 -print_final_stats=1 -artifact_prefix="$findings/" \
            "$new" "tests/fuzz/corpus/$target" >"$log.$worker" 2>&1 &
        pids+=($!)
    done
    for worker in "${!pids[@]}"; do
        wait "${pids[$worker]}" && continue
        status=1
        tail -n 60 "$log.$worker"
    done
    executions=$(cat "$log".* | awk '/^stat::number_of_executed_units:/ { n += $2 } END { print n + 0 }')
    echo "fuzz_$target: $executions executions"
    sed -n "s/.*Test unit written to /fuzz_$target: FOUND, reproducer /p" "$log".*
done
exit $status
