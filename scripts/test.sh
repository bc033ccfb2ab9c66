#!/usr/bin/env bash
# test.sh [--quick | --e2e | --e2e-all] - builds and tests all that needs no cluster; the last line counts the steps.
# Debian 12 or 13, as root or with sudo; asks nothing. --quick is the inner loop: build, unit and golden tests,
# formatting. --e2e are the tests in a real Kubernetes, which it builds (Go), starts and stops; Debian 12, as root. What
# needs no node is tested with other versions' apiservers, too, where they are built; --e2e-all builds them.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

mode=${1:-all}
case $mode in
    all | --quick | --e2e | --e2e-all) ;;
    *) echo "Usage: $0 [--quick | --e2e | --e2e-all]" >&2; exit 2 ;;
esac

readonly logs=build/test-logs asan=build/asan release=build/everything fuzz_seconds=20
export RPW_E2E_DIR=${RPW_E2E_DIR:-$PWD/build/e2e}
jobs=$(nproc)
mkdir -p "$logs"
export CTEST_OUTPUT_ON_FAILURE=1
export UBSAN_OPTIONS=print_stacktrace=1

passed=0 failed=0 skipped=0
summary=""
has_failed=" " # names of the steps that failed or were skipped

report() { # name, verdict, remark
    summary+=$(printf '  %-14s %-8s %s' "$1" "$2" "$3")$'\n'
}

# Steps print into a log each, which is shown when they fail; rows that passed are left out.
show_log() {
    grep -vE '\[ +(RUN|OK) +\]|\.\.\. ok$' "$1" | tail -n 150
    echo "(all of it: $1)"
}

run_step() { # name, command...
    local name=$1 log=$logs/$1.log start=$SECONDS count
    shift
    if "$@" >"$log" 2>&1 </dev/null; then
        count=$(sed -nE 's/.*\[==========\] ([0-9]+) test\(s\) run\..*/\1/p; s/^Ran ([0-9]+) tests? in .*/\1/p' "$log" |
            awk '{ n += $1 } END { if (n) print ", " n " tests" }')
        count+=$(sed -nE 's/^OK .*skipped=([0-9]+).*/, \1 of them skipped/p' "$log")
        report "$name" ok "$((SECONDS - start)) s$count"
        printf '%-14s ok (%s s%s)\n' "$name" "$((SECONDS - start))" "$count"
        passed=$((passed + 1))
    else
        printf '%-14s FAILED (%s s)\n' "$name" "$((SECONDS - start))"
        show_log "$log"
        report "$name" FAILED "$((SECONDS - start)) s, $log"
        failed=$((failed + 1)) has_failed+="$name "
    fi
}

# A step that makes no sense once another has failed.
run_step_after() { # steps it needs, name, command...
    local needed
    for needed in $1; do
        if [[ $has_failed == *" $needed "* ]]; then
            report "$2" skipped "no $needed"
            skipped=$((skipped + 1)) has_failed+="$2 "
            return
        fi
    done
    run_step "${@:2}"
}

# A tool whose version decides the result (`install-packages.sh --print pinned`): only where the distribution has it.
run_step_with() { # the tool's name without its version, steps it needs, name, command...
    local package
    package=$(scripts/install-packages.sh --print pinned | grep "^$1-[0-9]*$")
    if is_available "$package"; then
        run_step_after "${@:2}" "$package"
    else
        report "$3" skipped "$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release) has no $package"
        skipped=$((skipped + 1))
    fi
}

# A tool that was forgotten is a failure: a step is skipped where nobody could install it.
is_available() { # package
    command -v "$1" >/dev/null || apt-cache show "$1" >/dev/null 2>&1
}

run_ctest() { # label
    ctest --test-dir $asan -L "^$1\$" --no-tests=error -V -j "$jobs"
}

# Every file of tests/integration is a unittest module; they find the program in RPW_PROGRAM, and for what a sanitizer
# would change, such as the use of memory, the one that is delivered in RPW_RELEASE_PROGRAM.
run_integration() {
    RPW_PROGRAM=$PWD/$asan/rucio-policy-webhook RPW_RELEASE_PROGRAM=$PWD/$release/rucio-policy-webhook \
        PYTHONDONTWRITEBYTECODE=1 \
        timeout -k 10 1500 /usr/bin/python3 -m unittest discover -v -s tests/integration -p '*.py'
}

# Generated pods against models of what Kubernetes and the reference make of them (RPW_PROPERTY_PODS,
# RPW_PROPERTY_SEED).
run_property() {
    RPW_PROGRAM=$PWD/$asan/rucio-policy-webhook PYTHONDONTWRITEBYTECODE=1 \
        timeout -k 10 900 /usr/bin/python3 -m unittest discover -v -s tests/property -p '*.py'
}

# The preset "everything" turns on all that CMake can build.
check_options() {
    local option status=0
    while read -r option; do
        sed -n '/"everything"/,/}/p' CMakePresets.json | grep -q "\"$option\": \"ON\"" ||
            { echo "CMakePresets.json: the preset everything lacks $option"; status=1; }
    done < <(sed -nE 's/^ *option\((RPW_BUILD_[A-Z_]+).*/\1/p' CMakeLists.txt)
    return $status
}

# For some seconds; what it measures is looked at on a quiet machine.
run_bench() {
    BUILD=$release bench/run.sh --quick
}

check_formatting() { # clang-format
    find include src tests bench -name '*.[ch]' -print0 2>/dev/null | xargs -0 "$1" --dry-run -Werror
}

check_shell_scripts() {
    local scripts=()
    mapfile -t scripts < <(grep -rlE --exclude-dir=build --exclude-dir=.git '^#!.*\b(ba)?sh$' .)
    bash -n "${scripts[@]}" && shellcheck "${scripts[@]}"
}

# The tracked inputs were replayed by the step "corpus": a run on another machine tries the same new ones.
run_fuzz() {
    RPW_FUZZ_SEED=${RPW_FUZZ_SEED:-1} scripts/fuzz.sh $fuzz_seconds
}

# The compile commands are those of the asan build; gcc's own options mean nothing to clang.
check_clang_tidy() { # clang-tidy
    find src tests/fuzz -name '*.c' -print0 |
        xargs -0 -n 1 -P "$jobs" "$1" -p $asan --quiet --warnings-as-errors='*' \
            2> >(grep -vE '^[0-9]+ warnings? generated' >&2)
}

# Why the end-to-end tests cannot run here; nothing when they can.
print_e2e_obstacle() {
    local go="1.26, or 1.21 or later, which fetches that by itself"
    if [ -n "${RPW_E2E_KUBECONFIG-}" ]; then
        [ -n "${RPW_E2E_HOST-}" ] ||
            echo "RPW_E2E_HOST is not set (the address at which that cluster reaches this machine)"
    elif [ "$(id -u)" -ne 0 ]; then
        echo "the cluster needs root (it makes namespaces and mounts); RPW_E2E_KUBECONFIG=FILE uses one that runs"
    elif ! command -v go >/dev/null; then
        echo "Go is missing ($go); RPW_E2E_KUBECONFIG=FILE uses a cluster that runs"
    elif [[ $(go env GOVERSION) =~ ^go1\.(1?[0-9]|20)(\.|$) ]]; then
        echo "$(go env GOVERSION) is too old ($go)"
    elif [ "$(/usr/bin/python3 -c 'import sys; print(*sys.version_info[:2])' 2>&1)" != "3 11" ]; then
        echo "/usr/bin/python3 is not 3.11, Debian 12's, for which the images are made"
    fi
}

run_machine() {
    PYTHONDONTWRITEBYTECODE=1 timeout -k 10 900 /usr/bin/python3 -m unittest discover -v -s tests/machine -p '*.py'
}

start_cluster() {
    scripts/cluster.sh up && scripts/cluster.sh load "$RPW_E2E_DIR"/images/*.tar
}

run_e2e() {
    RPW_PROGRAM=$PWD/$asan/rucio-policy-webhook PYTHONDONTWRITEBYTECODE=1 \
        timeout -k 10 2400 scripts/cluster.sh exec /usr/bin/python3 -m unittest discover -v -s tests/e2e -p '*.py'
}

# What needs no node, with the apiserver of another version.
run_api_tests() ( # version
    local modules
    export RPW_E2E_KUBERNETES=$1 RPW_PROGRAM=$PWD/$asan/rucio-policy-webhook PYTHONDONTWRITEBYTECODE=1
    trap 'scripts/cluster.sh down' EXIT
    scripts/cluster.sh up || return
    mapfile -t modules < <(cd tests/e2e && printf '%s\n' api_*.py certs_ensure.py chart_accepted.py | sed 's/\.py$//')
    timeout -k 10 1200 env -C tests/e2e ../../scripts/cluster.sh exec /usr/bin/python3 -m unittest -v "${modules[@]}"
)

test_other_versions() {
    local module version
    for module in tests/e2e/cluster/kubernetes-*.mod; do
        version=$(sed 's/.*kubernetes-//; s/\.mod$//' <<<"$module")
        if [ "$mode" = --e2e-all ] || RPW_E2E_KUBERNETES=$version scripts/cluster.sh built >/dev/null; then
            run_step_after "build crds cluster" "api-$version" run_api_tests "$version"
        else
            report "api-$version" skipped "not built; --e2e-all builds it"
            skipped=$((skipped + 1))
        fi
    done
}

test_quickly() {
    run_step packages scripts/install-packages.sh test
    run_step imports scripts/check-imports.py
    run_step build scripts/build.sh asan
    run_step_after build unit run_ctest unit
    run_step_after build golden run_ctest golden
    run_step_with clang-format '' formatting check_formatting
}

test_all() {
    test_quickly
    run_step_after build corpus run_ctest corpus
    run_step options check_options
    run_step everything scripts/build.sh everything
    run_step_after "build everything" integration run_integration
    run_step_after build property run_property
    run_step_after everything bench run_bench
    run_step shell-scripts check_shell_scripts
    run_step banned scripts/check-banned.sh
    run_step_after build manual scripts/check-manual.sh $asan/rucio-policy-webhook
    run_step docs scripts/check-docs.sh
    run_step layers scripts/check-layers.sh
    run_step headers scripts/check-headers.sh
    run_step_after everything core-symbols scripts/check-core-symbols.sh $release/librpw-core.a
    run_step_with clang-tidy build clang-tidy check_clang_tidy
    run_step fuzz run_fuzz
}

test_in_cluster() {
    local obstacle
    obstacle=$(print_e2e_obstacle)
    if [ -n "$obstacle" ]; then
        echo "SKIP: no end-to-end tests: $obstacle"
        exit 0
    fi
    if [ -n "${RPW_E2E_KUBECONFIG-}" ]; then
        run_step packages scripts/install-packages.sh demo
        run_step build scripts/build.sh asan
        run_step_after build e2e run_e2e
        return
    fi
    run_step packages scripts/install-packages.sh e2e
    run_step empty-machine run_machine
    run_step build scripts/build.sh asan
    run_step images tests/e2e/images/build.sh "$RPW_E2E_DIR/images"
    run_step server-image tests/e2e/images/server.sh "$RPW_E2E_DIR/images"
    # Without it its own tests are skipped.
    run_step cert-manager tests/e2e/cert_manager/build.sh "$RPW_E2E_DIR/cert-manager"
    run_step crds tests/e2e/crds/fetch.sh "$RPW_E2E_DIR/custom_resources"
    # A cluster that somebody uses is used and stays.
    scripts/cluster.sh status >/dev/null 2>&1 || trap 'scripts/cluster.sh down' EXIT
    run_step_after "images server-image" cluster start_cluster
    run_step_after "build images server-image crds cluster" e2e run_e2e
    test_other_versions
}

case $mode in
    all) test_all ;;
    --quick) test_quickly ;;
    --e2e | --e2e-all) test_in_cluster ;;
esac

printf '\n%s\n' "$summary"
if [ $skipped -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ $failed -eq 0 ]
