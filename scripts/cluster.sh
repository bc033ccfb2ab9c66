#!/usr/bin/env bash
# cluster.sh VERB - a real Kubernetes of one node on this machine, without Docker or a registry.
#
#   up              builds it if necessary, starts it and waits until it is ready; nothing to do when it already runs
#   down            stops it and removes its state; what was built stays
#   status          says whether it runs; exit code 1 if not
#   kubectl ARG...  kubectl as its administrator
#   exec CMD...     runs a command where the cluster's network is, with KUBECONFIG set and with kubectl and helm in PATH
#   load FILE...    imports images (docker-archive) into the node
#
# The node lives in mount, network, process, IPC and UTS namespaces of its own: its ports, addresses, firewall rules
# and mounts are not the machine's. They vanish with the first process in them, and so does every process and
# container of the node, also when this script or a component crashed. All files are in one folder, RPW_E2E_DIR
# (default build/e2e), but for Go's caches; the last run's logs stay in its folder log. Building needs the Go module
# proxy, once; nothing else needs a network. With RPW_E2E_KUBECONFIG an existing cluster is used (kind, say): up, down
# and load do nothing, kubectl and exec use it.
#
# Needs root, Go (1.26, or 1.21 or later, which fetches that by itself), and the packages of `install-packages.sh
# e2e`. docs/architecture.md has more.
set -euo pipefail
caller_dir=$PWD
kubeconfig=${RPW_E2E_KUBECONFIG:+$(realpath -- "$RPW_E2E_KUBECONFIG")}
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/sbin:/sbin
dir=${RPW_E2E_DIR:-build/e2e}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
control_group=rpw-e2e-$(sha256sum <<<"$dir" | cut -c1-8) # its own, so that two folders are two clusters
readonly caller_dir kubeconfig dir control_group source=tests/e2e/cluster helm_source=tests/e2e/helm \
    patience_s=180

die() {
    echo "cluster.sh: $*" >&2
    exit 1
}

# --- the programs -----------------------------------------------------------------------------------------------------

readonly components=(kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubelet kubectl)

hash_sources() { # file...
    (cat "$@" && go env GOVERSION) | sha256sum | cut -d' ' -f1
}

build_kubernetes() {
    local version hash name
    hash=$(cd $source && hash_sources go.mod go.sum main.go)
    [ "$(cat "$dir/bin/built-from" 2>/dev/null)" != "$hash" ] || return 0
    version=$(sed -nE 's|^\s*k8s.io/kubernetes (v\S+)$|\1|p' $source/go.mod)
    echo "building Kubernetes $version (5 to 10 minutes the first time)"
    mkdir -p "$dir/bin"
    rm -f "$dir/bin/built-from"
    # Without a version kubectl and the node would call themselves v0.0.0. Stamping the commit fails in somebody else's
    # clone.
    (cd $source && CGO_ENABLED=0 GOWORK=off go build -trimpath -buildvcs=false -o "$dir/bin/kubernetes" \
        -ldflags "-s -w \
        -X k8s.io/component-base/version.gitVersion=$version \
        -X k8s.io/component-base/version.gitMajor=$(cut -d. -f1 <<<"${version#v}") \
        -X k8s.io/component-base/version.gitMinor=$(cut -d. -f2 <<<"$version")" .)
    for name in "${components[@]}"; do
        ln -sf kubernetes "$dir/bin/$name"
    done
    echo "$hash" >"$dir/bin/built-from"
}

# Helm, for what is tested of the chart. Without the numbers of its Kubernetes libraries it would render for 1.20.
build_helm() {
    local hash version minor
    hash=$(cd $helm_source && hash_sources go.mod go.sum)
    [ "$(cat "$dir/bin/helm-built-from" 2>/dev/null)" != "$hash" ] || return 0
    version=$(sed -nE 's|^\s*helm.sh/helm/v3 (v\S+).*|\1|p' $helm_source/go.mod)
    minor=$(sed -nE 's|^\s*k8s.io/client-go v0\.([0-9]+)\..*|\1|p' $helm_source/go.mod)
    echo "building Helm $version (1 to 3 minutes the first time)"
    mkdir -p "$dir/bin"
    rm -f "$dir/bin/helm-built-from"
    (cd $helm_source && CGO_ENABLED=0 GOWORK=off go build -trimpath -buildvcs=false -o "$dir/bin/helm" -ldflags "-s -w \
        -X helm.sh/helm/v3/internal/version.version=$version \
        -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=$minor \
        -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=$minor" \
        helm.sh/helm/v3/cmd/helm)
    echo "$hash" >"$dir/bin/helm-built-from"
}

# --- its processes ----------------------------------------------------------------------------------------------------

# Nothing for one that has ended, also when nobody has reaped it (state Z).
print_start_time() { # pid
    sed -nE 's/.*\) ([^Z])/\1/p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

# The outer process, `unshare`, whose only child is the first process in the namespaces. An id may be another process's
# after a restart of the machine: it is ours only with the same start time.
print_pid() {
    local pid start
    read -r pid start 2>/dev/null <"$dir/pid" || return 1
    [ "$(print_start_time "$pid")" = "$start" ] || return 1
    echo "$pid"
}

print_inner_pid() {
    local pid children
    pid=$(print_pid) && children=$(cat "/proc/$pid/task/$pid/children") && [ -n "$children" ] && echo "${children%% *}"
}

print_inner_pid_or_die() {
    print_inner_pid || die "the cluster is not running; start it with: scripts/cluster.sh up"
}

# Control groups outlive their processes; only empty ones can be removed, deepest first.
remove_control_groups() {
    find /sys/fs/cgroup -depth -type d -path "*/$control_group*" -exec rmdir {} + 2>/dev/null || true
}

stop() {
    local pid inner waited=0
    if pid=$(print_pid); then
        inner=$(print_inner_pid) || inner=
        # The kernel ends every process of a process namespace with its first one.
        kill -KILL ${inner:+"$inner"} "$pid" 2>/dev/null || true
        while [ -n "$(print_start_time "$pid")${inner:+$(print_start_time "$inner")}" ]; do
            waited=$((waited + 1))
            [ $waited -lt 600 ] || die "process $pid does not end"
            sleep 0.1
        done
    fi
    remove_control_groups
    rm -rf "$dir/pid" "$dir/node"
}

show_log() { # component
    tail -n 20 "$dir/log/$1.log" | cut -c1-300
}

show_failure() {
    local component
    component=$(cut -d' ' -f1 "$dir/log/failed" 2>/dev/null) || component=node
    echo "cluster.sh: $(cat "$dir/log/failed" 2>/dev/null || echo the node ended); the end of" \
        "$dir/log/$component.log:" >&2
    show_log "$component" >&2
}

wait_for() { # component whose log tells why, what, command...
    local component=$1 what=$2 start=$SECONDS
    shift 2
    printf 'waiting for %s ... ' "$what"
    until "$@" >/dev/null 2>&1; do
        if ! print_inner_pid >/dev/null; then
            echo "ended"
            show_failure
            exit 1
        elif [ $((SECONDS - start)) -ge $patience_s ]; then
            echo "not within $patience_s s; the end of $dir/log/$component.log:"
            show_log "$component"
            exit 1
        fi
        sleep 0.2
    done
    echo "$((SECONDS - start)) s"
}

start() {
    local pid
    stop
    rm -rf "$dir/log"
    mkdir -p "$dir/node" "$dir/log"
    $source/make-credentials.sh "$dir/node"
    # The shell writes down its own id before it becomes unshare: there is no moment in which nobody knows it.
    export -f print_start_time
    # shellcheck disable=SC2016 # what is in quotes belongs to the inner shell
    setsid bash -c 'echo "$$ $(print_start_time $$)" >"$1/pid"
        exec unshare --mount --net --pid --ipc --uts --fork --kill-child --mount-proc "${@:2}"' \
        cluster "$dir" "$PWD/$source/node.sh" "$dir" "$control_group" >"$dir/log/node.log" 2>&1 </dev/null 9>&- &
    pid=$!
    until print_inner_pid >/dev/null; do
        [ -n "$(print_start_time $pid)" ] || { show_failure; exit 1; }
        sleep 0.05
    done
}

# --- verbs ------------------------------------------------------------------------------------------------------------

run_in_network() {
    local inner
    inner=$(print_inner_pid_or_die)
    cd "$caller_dir"
    export KUBECONFIG=$dir/node/admin.kubeconfig KUBECACHEDIR=$dir/node/kubectl-cache PATH=$dir/bin:$PATH
    exec nsenter --net="/proc/$inner/ns/net" "$@"
}

kubectl() {
    (run_in_network kubectl "$@")
}

is_node_ready() {
    kubectl wait --for=condition=Ready node/node --timeout=0s
}

run_up() {
    local program
    [ "$(id -u)" -eq 0 ] || die "up needs root: it makes namespaces and mounts"
    for program in etcd containerd runc ip nft nsenter unshare openssl; do
        command -v $program >/dev/null || die "$program is missing: scripts/install-packages.sh e2e installs it"
    done
    command -v go >/dev/null ||
        die "Go is missing: install 1.26, or 1.21 or later, which fetches that by itself (https://go.dev/dl)"
    build_kubernetes
    build_helm
    if is_running && is_node_ready >/dev/null 2>&1; then
        echo "already up: scripts/cluster.sh kubectl get pods -A"
        return
    fi
    start
    wait_for etcd etcd curl_in_network http://127.0.0.1:2379/health
    wait_for kube-apiserver kube-apiserver kubectl --request-timeout=5s get --raw /readyz
    wait_for kube-controller-manager kube-controller-manager kubectl --request-timeout=5s get serviceaccount default
    wait_for kube-scheduler kube-scheduler curl_in_network https://127.0.0.1:10259/readyz
    wait_for kube-proxy kube-proxy curl_in_network http://127.0.0.1:10256/healthz
    wait_for kubelet "kubelet (the node is ready)" is_node_ready
    echo "up: scripts/cluster.sh kubectl get pods -A"
}

curl_in_network() {
    (run_in_network curl --silent --fail --insecure --max-time 5 "$@")
}

is_running() {
    print_inner_pid >/dev/null
}

run_status() {
    if is_running; then
        echo "up, process $(print_inner_pid), $dir"
        kubectl get nodes -o wide
    else
        echo "down"
        [ ! -e "$dir/log/failed" ] || show_failure
        return 1
    fi
}

run_load() {
    local inner file
    inner=$(print_inner_pid_or_die)
    cd "$caller_dir"
    for file in "$@"; do
        [ -r "$file" ] || die "cannot read $file"
        nsenter --target "$inner" --mount --net --pid ctr -n k8s.io images import - <"$file"
    done
}

usage() {
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' scripts/cluster.sh >&2
    exit 2
}

# One at a time: two that start, or stop what the other starts, would take each other's files away.
lock() {
    exec 9>"$dir/lock"
    flock 9
}

verb=${1-}
[ $# -eq 0 ] || shift
if [ -n "$kubeconfig" ]; then
    [ -r "$kubeconfig" ] || die "cannot read RPW_E2E_KUBECONFIG: $kubeconfig"
    export KUBECONFIG=$kubeconfig
    cd "$caller_dir"
    case $verb in
        up | down | load) echo "using the cluster of $kubeconfig" ;;
        status) exec env kubectl get nodes -o wide ;;
        kubectl) exec env kubectl "$@" ;;
        exec) exec "$@" ;;
        *) usage ;;
    esac
    exit
fi
case $verb in
    up) lock && run_up ;;
    down) lock && stop ;;
    status) run_status ;;
    kubectl) kubectl "$@" ;;
    exec) run_in_network "$@" ;;
    load) run_load "$@" ;;
    *) usage ;;
esac
