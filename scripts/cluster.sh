#!/usr/bin/env bash
# cluster.sh VERB - a real Kubernetes of one node on this machine, without Docker or a registry.
#
#   up              builds it if necessary, starts it and waits until it is ready; nothing to do when it already runs
#   built           says whether `up` has nothing to build; exit code 1 if it has
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
# With RPW_E2E_KUBERNETES=VERSION it is another Kubernetes, beside that one, and has no node: pods are stored and do not
# run. tests/e2e/cluster has a kubernetes-VERSION.mod for each.
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
readonly home=$dir version=${RPW_E2E_KUBERNETES-}
if [ -n "$version" ]; then
    [ -e "tests/e2e/cluster/kubernetes-$version.mod" ] || {
        echo "cluster.sh: RPW_E2E_KUBERNETES is $version; there is$(
            cd tests/e2e/cluster && printf ' %s' kubernetes-*.mod | sed 's/kubernetes-//g; s/\.mod//g')" >&2
        exit 2
    }
    dir=$home/kubernetes-$version
    mkdir -p "$dir"
fi
control_group=rpw-e2e-$(sha256sum <<<"$dir" | cut -c1-8) # its own, so that two folders are two clusters
readonly caller_dir kubeconfig dir control_group source=tests/e2e/cluster helm_source=tests/e2e/helm \
    containerd_source=tests/e2e/containerd patience_s=180

die() {
    echo "cluster.sh: $*" >&2
    exit 1
}

# --- the programs -----------------------------------------------------------------------------------------------------

if [ -n "$version" ]; then
    readonly module="kubernetes-$version" tags=api_only components=(kube-apiserver kube-controller-manager kubectl)
else
    readonly module=go tags="" \
        components=(kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubelet kubectl)
fi
readonly kubernetes_files=("$module.mod" "$module.sum" main.go node.go)

hash_sources() { # folder, file...
    (cd "$1" && cat "${@:2}" && go env GOVERSION) | sha256sum | cut -d' ' -f1
}

is_built() { # name, folder, file...
    [ "$(cat "$1-built-from" 2>/dev/null)" = "$(hash_sources "${@:2}")" ]
}

is_kubernetes_built() {
    is_built "$dir/bin/kubernetes" $source "${kubernetes_files[@]}"
}

is_containerd_built() {
    is_built "$home/bin/containerd" $containerd_source go.mod go.sum
}

is_helm_built() {
    is_built "$home/bin/helm" $helm_source go.mod go.sum
}

print_version() { # file, module
    sed -nE "s|^(require)?\s*$2 (v\S+).*|\2|p" "$1"
}

build() { # program's file, its sources' folder, link flags, argument...
    mkdir -p "${1%/*}"
    # Stamping the commit fails in somebody else's clone.
    (cd "$2" && CGO_ENABLED=0 GOWORK=off go build -trimpath -buildvcs=false -o "$1" -ldflags "-s -w $3" "${@:4}")
}

build_kubernetes() {
    local built name
    ! is_kubernetes_built || return 0
    built=$(print_version "$source/$module.mod" k8s.io/kubernetes)
    echo "building Kubernetes $built (5 to 10 minutes the first time)"
    rm -f "$dir/bin/kubernetes-built-from"
    # Without a version kubectl and the node would call themselves v0.0.0.
    build "$dir/bin/kubernetes" $source "-X k8s.io/component-base/version.gitVersion=$built \
        -X k8s.io/component-base/version.gitMajor=$(cut -d. -f1 <<<"${built#v}") \
        -X k8s.io/component-base/version.gitMinor=$(cut -d. -f2 <<<"$built")" "-modfile=$module.mod" -tags "$tags" .
    for name in "${components[@]}"; do
        ln -sf kubernetes "$dir/bin/$name"
    done
    hash_sources $source "${kubernetes_files[@]}" >"$dir/bin/kubernetes-built-from"
}

build_containerd() {
    local package=github.com/containerd/containerd/v2 built
    ! is_containerd_built || return 0
    built=$(print_version $containerd_source/go.mod $package)
    echo "building containerd $built (2 to 3 minutes the first time)"
    rm -f "$home/bin/containerd-built-from"
    build "$home/bin/" $containerd_source "-X $package/version.Version=$built" \
        -tags "no_btrfs no_zfs no_devmapper" \
        $package/cmd/containerd $package/cmd/containerd-shim-runc-v2 $package/cmd/ctr
    hash_sources $containerd_source go.mod go.sum >"$home/bin/containerd-built-from"
}

# Helm, for what is tested of the chart. Without the numbers of its Kubernetes libraries it would render for 1.20.
build_helm() {
    local built minor
    ! is_helm_built || return 0
    built=$(print_version $helm_source/go.mod helm.sh/helm/v3)
    minor=$(print_version $helm_source/go.mod k8s.io/client-go | cut -d. -f2)
    echo "building Helm $built (1 to 3 minutes the first time)"
    rm -f "$home/bin/helm-built-from"
    build "$home/bin/helm" $helm_source "-X helm.sh/helm/v3/internal/version.version=$built \
        -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=$minor \
        -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=$minor" \
        helm.sh/helm/v3/cmd/helm
    hash_sources $helm_source go.mod go.sum >"$home/bin/helm-built-from"
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
        cluster "$dir" "$PWD/$source/node.sh" "$dir" "$control_group" $tags >"$dir/log/node.log" 2>&1 </dev/null 9>&- &
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
    export KUBECONFIG=$dir/node/admin.kubeconfig KUBECACHEDIR=$dir/node/kubectl-cache PATH=$dir/bin:$home/bin:$PATH \
        RPW_E2E_LOG=$dir/log
    exec nsenter --net="/proc/$inner/ns/net" "$@"
}

kubectl() {
    (run_in_network kubectl "$@")
}

is_ready() {
    if [ -n "$version" ]; then
        kubectl --request-timeout=5s get serviceaccount default
    else
        kubectl wait --for=condition=Ready node/node --timeout=0s
    fi
}

run_up() {
    local program
    [ "$(id -u)" -eq 0 ] || die "up needs root: it makes namespaces and mounts"
    for program in etcd runc ip nft nsenter unshare openssl; do
        command -v $program >/dev/null || die "$program is missing: scripts/install-packages.sh e2e installs it"
    done
    command -v go >/dev/null ||
        die "Go is missing: install 1.26, or 1.21 or later, which fetches that by itself (https://go.dev/dl)"
    build_kubernetes
    [ -n "$version" ] || build_containerd
    build_helm
    if is_running && is_ready >/dev/null 2>&1; then
        echo "already up: scripts/cluster.sh kubectl get pods -A"
        return
    fi
    start
    wait_for etcd etcd curl_in_network http://127.0.0.1:2379/health
    wait_for kube-apiserver kube-apiserver kubectl --request-timeout=5s get --raw /readyz
    wait_for kube-controller-manager kube-controller-manager kubectl --request-timeout=5s get serviceaccount default
    if [ -z "$version" ]; then
        wait_for kube-scheduler kube-scheduler curl_in_network https://127.0.0.1:10259/readyz
        wait_for kube-proxy kube-proxy curl_in_network http://127.0.0.1:10256/healthz
        wait_for kubelet "kubelet (the node is ready)" is_ready
    fi
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
    [ -z "$version" ] || die "a cluster without a node has no place for images"
    inner=$(print_inner_pid_or_die)
    cd "$caller_dir"
    for file in "$@"; do
        [ -r "$file" ] || die "cannot read $file"
        nsenter --target "$inner" --mount --net --pid "$dir/bin/ctr" -n k8s.io images import - <"$file"
    done
}

run_built() {
    if is_kubernetes_built && is_helm_built && { [ -n "$version" ] || is_containerd_built; }; then
        echo "built"
    else
        echo "not built, or of other sources"
        return 1
    fi
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
        up | built | down | load) echo "using the cluster of $kubeconfig" ;;
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
    built) run_built ;;
    status) run_status ;;
    kubectl) kubectl "$@" ;;
    exec) run_in_network "$@" ;;
    load) run_load "$@" ;;
    *) usage ;;
esac
