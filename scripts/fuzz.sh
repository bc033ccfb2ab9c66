#!/usr/bin/env bash
# fuzz.sh SECONDS [TARGET...] - fuzzes each target (default: json_reader and mutate) for that long on every processor,
# starting from the tracked corpus in tests/fuzz/corpus. What is found goes to build/fuzz: new inputs to corpus/TARGET,
# reproducers to findings/TARGET. Prints the executions of each target; exits 1 with the reproducer's path on a find.
#
# RPW_FUZZ_SEED=N makes the run repeatable: the processes have the seeds N, N+1, ..., share nothing, and keep no new inputs;
# so they try the same inputs in the same order, as far as the time goes. Without it the seed is random, and each run begins
# with what the earlier ones gathered.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1-}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "Usage: $0 SECONDS [json_reader|mutate...]" >&2; exit 2; }
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(json_reader mutate)
seed=${RPW_FUZZ_SEED-}
[[ $seed =~ ^([1-9][0-9]{0,8})?$ ]] || { echo "$0: RPW_FUZZ_SEED is '$seed', expected a number from 1" >&2; exit 2; }

scripts/build.sh fuzz "${targets[@]/#/fuzz_}"

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
        file.write(f"{chr(48 + number % 17)}1{pod}")
END
}

# The corpus that a process adds to.
corpus_of() { # target, worker
    if [ -n "$seed" ]; then
        echo "build/fuzz/scratch/$1.$2"
    else
        echo "build/fuzz/corpus/$1"
    fi
}

status=0
first_seed=${seed:-$((SRANDOM % 900000000 + 1))} reload=1 launcher=()
if [ -n "$seed" ]; then
    reload=0
    # libFuzzer takes compared pointers for values, so that the addresses must be the same too. Some containers forbid that.
    ! setarch -R true 2>/dev/null || launcher=(setarch -R)
fi
rm -rf build/fuzz/scratch
for target in "${targets[@]}"; do
    findings=build/fuzz/findings/$target log=build/fuzz/$target.log
    mkdir -p "$findings"
    rm -f "$log".*
    echo "fuzz_$target: $seconds s, seeds from $first_seed"
    # Its own processes would hide the count of executions: one process for each processor, by hand.
    pids=()
    for ((worker = 0; worker < $(nproc); worker++)); do
        corpus=$(corpus_of "$target" "$worker")
        mkdir -p "$corpus"
        [ "$target" != mutate ] || seed_from_golden_cases "$corpus"
        "${launcher[@]}" "build/fuzz/tests/fuzz_$target" -max_total_time="$seconds" -seed=$((first_seed + worker)) \
            -max_len=16384 -timeout=10 -rss_limit_mb=2048 -dict=tests/fuzz/json.dict -reload=$reload \
            -print_final_stats=1 -artifact_prefix="$findings/" "$corpus" "tests/fuzz/corpus/$target" >"$log.$worker" 2>&1 &
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
rm -rf build/fuzz/scratch
exit $status
