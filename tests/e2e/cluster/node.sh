#!/usr/bin/env bash
# node.sh DIR CONTROL_GROUP [api_only] - the first process in the cluster's namespaces: makes the machine that Kubernetes
# expects, starts its components, without a node's if so told, and ends, and with it all of them, when one of them ends.
# scripts/cluster.sh starts it.
#
# DIR appears as /run/rpw-e2e, so that paths are short (a Unix socket's has 107 characters) and the same for everybody.
# 10.77.0.1 is the node, 10.77.1.0 and up are pods, 10.96.0.0/16 is for Services. There is no way out.
set -euo pipefail

mount --make-rshared / # what a kubelet expects; it is shared with nobody outside these namespaces
mount --bind "$1" /mnt # it may itself be below what is hidden next
mount -t tmpfs tmpfs /run
mkdir /run/rpw-e2e
mount --bind /mnt /run/rpw-e2e
umount /mnt
readonly control_group=$2
# kubelet, containerd and the CNI plugins write here whatever their settings say; etcd is faster in memory.
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /var/log
readonly node=/run/rpw-e2e/node
cd $node
mkdir -p kubelet containerd cni
export PATH=/run/rpw-e2e/bin:/usr/sbin:/usr/bin:/sbin:/bin

ip link set lo up
ip link add rpw-e2e type bridge
ip address add 10.77.0.1/16 dev rpw-e2e
ip link set rpw-e2e up
ip route add default dev rpw-e2e
echo 1 >/proc/sys/net/ipv4/ip_forward
hostname node

# kubelet sets these, and they are the whole machine's: it finds them set.
set_for_kubelet() { # file, value
    [ -e "/proc/sys/$1" ] || return 0
    mkdir -p "/run/sysctl/${1%/*}"
    echo "$2" >"/run/sysctl/$1"
    mount --bind "/run/sysctl/$1" "/proc/sys/$1"
}
set_for_kubelet vm/overcommit_memory 1
set_for_kubelet vm/panic_on_oom 0
set_for_kubelet kernel/panic 10
set_for_kubelet kernel/panic_on_oops 1
set_for_kubelet kernel/keys/root_maxkeys 1000000
set_for_kubelet kernel/keys/root_maxbytes 25000000

make_control_groups() {
    local group controller
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        mkdir -p "/sys/fs/cgroup/$control_group"
        # Most are enabled already; one that cannot be is missed by kubelet, which says so.
        for controller in cpuset cpu memory pids hugetlb; do
            echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || true
        done
        return
    fi
    for group in /sys/fs/cgroup/*/; do
        mkdir -p "$group/$control_group"
        [ ! -e "$group/cpuset.cpus" ] || cp --no-preserve=all "$group/cpuset.cpus" "$group/cpuset.mems" "$group/$control_group/"
    done
}
make_control_groups

cat >cni/10-bridge.conflist <<'END'
{"cniVersion": "0.4.0", "name": "rpw-e2e", "plugins": [
  {"type": "bridge", "bridge": "rpw-e2e", "isGateway": false, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "/run/cni", "routes": [{"dst": "0.0.0.0/0"}],
            "ranges": [[{"subnet": "10.77.0.0/16", "rangeStart": "10.77.1.0", "gateway": "10.77.0.1"}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
END

cat >containerd.toml <<'END'
version = 3
root = "/run/rpw-e2e/node/containerd"
state = "/run/containerd"
# opt makes folders in the machine's /opt; nri wants a socket of its own there is no use for.
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.cri.v1.images".pinned_images]
  # A name without a host would be taken for one of a public registry.
  sandbox = "localhost/pause:1"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["/usr/lib/cni"]
  conf_dir = "/run/rpw-e2e/node/cni"
END

cat >kubelet.yaml <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: /run/rpw-e2e/node/ca.crt}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$control_group
failCgroupV1: false
failSwapOn: false
localStorageCapacityIsolation: false
oomScoreAdj: 0
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
maxPods: 250
resolvConf: ""
volumePluginDir: /run/rpw-e2e/node/kubelet/plugins
END

cat >proxy.yaml <<'END'
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: /run/rpw-e2e/node/proxy.kubeconfig}
mode: nftables
# Pods share a bridge: without it an answer would go past the node that has to translate it back.
nftables: {masqueradeAll: true}
conntrack: {maxPerCore: 0, min: 0}
hostnameOverride: node
oomScoreAdj: 0
END

cat >audit.yaml <<'END'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  resources: [{group: "", resources: [pods, pods/ephemeralcontainers]}]
- level: None
END

declare -A names # by process id
start() { # name, command...
    local name=$1
    shift
    "$@" >"/run/rpw-e2e/log/$name.log" 2>&1 </dev/null &
    names[$!]=$name
}

start etcd etcd --data-dir /var/lib/etcd --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380
start kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --advertise-address=10.77.0.1 \
    --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=Node,RBAC --allow-privileged=true \
    --kubelet-preferred-address-types=InternalIP \
    --token-auth-file=tokens.csv --client-ca-file=ca.crt \
    --tls-cert-file=apiserver.crt --tls-private-key-file=apiserver.key \
    --kubelet-client-certificate=apiserver-kubelet-client.crt --kubelet-client-key=apiserver-kubelet-client.key \
    --service-account-key-file=service-account.pub --service-account-signing-key-file=service-account.key \
    --service-account-issuer=https://kubernetes.default.svc \
    --audit-policy-file=audit.yaml --audit-log-path=/run/rpw-e2e/log/audit.log
start kube-controller-manager kube-controller-manager --kubeconfig=controller-manager.kubeconfig --leader-elect=false \
    --use-service-account-credentials=true --service-account-private-key-file=service-account.key --root-ca-file=ca.crt \
    --cluster-signing-cert-file=ca.crt --cluster-signing-key-file=ca.key
if [ "${3-}" != api_only ]; then
    start containerd containerd --config containerd.toml
    start kube-scheduler kube-scheduler --kubeconfig=scheduler.kubeconfig --leader-elect=false
    start kube-proxy kube-proxy --config=proxy.yaml
    start kubelet kubelet --config=kubelet.yaml --kubeconfig=kubelet.kubeconfig --root-dir=$node/kubelet \
        --cert-dir=$node/kubelet/pki --hostname-override=node --node-ip=10.77.0.1
fi

ended=
code=0
wait -n -p ended || code=$?
echo "${names[$ended]} ended with exit code $code" >/run/rpw-e2e/log/failed
