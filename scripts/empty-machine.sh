#!/usr/bin/env bash
# empty-machine.sh [--release bookworm|trixie] COMMAND... - runs a command in a clone of HEAD on an empty Debian machine.
#
# The machine is Debian's smallest installation with git and ca-certificates, in mount, PID, IPC and UTS namespaces of
# its own. It shares this machine's network, and apt reaches Debian in the same way; nothing else that is installed or
# set here can help. The command runs as root, in the clone, with a clean environment; its exit
# code becomes this script's.
#
# The machine lives in memory (1.3 GB for scripts/test.sh), and the kernel frees it with the last process: nothing
# is left behind, also after a crash. Kept are the base and the packages, in
# ${XDG_CACHE_HOME:-~/.cache}/rucio-policy-webhook/empty-machine.
#
# Exit code 3: not root, no mmdebstrap, or no apt sources of Debian to go by.
set -euo pipefail
cd "$(dirname "$0")/.."

refuse() {
    echo "empty-machine.sh: $*" >&2
    exit 3
}

usage() {
    echo "Usage: $0 [--release bookworm|trixie] COMMAND..." >&2
    exit 2
}

release=bookworm
if [ "${1-}" = --release ]; then
    [ $# -ge 2 ] || usage
    release=$2
    shift 2
fi
case $release in bookworm | trixie) ;; *) usage ;; esac
[ $# -gt 0 ] || usage
[ "$(id -u)" -eq 0 ] || refuse "needs root: it makes namespaces and mounts"
command -v mmdebstrap >/dev/null || refuse "mmdebstrap is missing (a Debian package)"

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/rucio-policy-webhook/empty-machine
readonly release cache base=$cache/$release.tar packages=$cache/$release-packages root=$cache/root

# Debian's own sources among this machine's, for the other release. Other repositories have other names or components.
print_sources() {
    local here
    here=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    apt-get indextargets --format "\$(RELEASE) \$(COMPONENT) \$(REPO_URI)" 'Created-By: Packages' |
        awk -v here="$here" -v there="$release" '$1 ~ "^" here "(-updates|-security)?$" && $2 == "main" {
            sub(here, there, $1)
            print "deb", $3, $1, $2
        }' | sort -u
}

# How this machine reaches them: proxies, timeouts, what is checked.
print_apt_options() {
    apt-config dump | grep -E '^Acquire::(Check|Force|Retries|https?|ftp)' || true
}

make_base() {
    local sources options key
    sources=$(print_sources)
    options=$(print_apt_options)
    [ -n "$sources" ] || refuse "this machine's apt has no sources of Debian"
    key=$(printf '%s\n' "$sources" "$options" | cat - scripts/empty-machine.sh | sha256sum)
    [ "$(cat "$base.key" 2>/dev/null)" != "$key" ] || return 0
    echo "empty-machine.sh: making the base, Debian $release" >&2
    rm -f "$base.key"
    printf '%s\n' "$options" >"$base.options"
    mmdebstrap --quiet --variant=minbase --format=tar --include=git,ca-certificates --aptopt="$base.options" \
        "$release" "$base.new" - <<<"$sources" >&2
    mv "$base.new" "$base"
    echo "$key" >"$base.key"
}

# Runs as the first process in the namespaces: no mount and no process outlives it.
# shellcheck disable=SC2317 # it is called by its text, below
run_inside() { # root, base, packages, source, command...
    local root=$1 base=$2 packages=$3 source=$4
    shift 4
    mount -t tmpfs -o mode=755,size=80% empty-machine "$root"
    tar --extract --file "$base" --directory "$root" --numeric-owner --exclude ./dev
    mkdir -p "$root/dev"
    mount --rbind /dev "$root/dev"
    mount --rbind --read-only /sys "$root/sys"
    mount -t proc proc "$root/proc"
    mount --bind "$packages" "$root/var/cache/apt/archives"
    cp -L /etc/resolv.conf /etc/hosts "$root/etc"
    # An authority of the proxy's own, where there is one.
    cp -r /usr/local/share/ca-certificates "$root/usr/local/share"
    git clone --quiet --depth 1 "file://$source" "$root/root/clone"
    # shellcheck disable=SC2016 # what is in quotes belongs to the inner shell
    exec chroot "$root" sh -c 'update-ca-certificates >/dev/null 2>&1 && cd /root/clone && exec "$@"' sh "$@"
}

mkdir -p "$packages" "$root"
# One at a time for each release, since apt's cache is for one. Whoever still runs inside holds the lock, too.
exec 9>"$base.lock"
flock --nonblock 9 || { echo "empty-machine.sh: waiting for another run of $release" >&2; flock 9; }
make_base

variables=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8)
for name in TERM http_proxy https_proxy no_proxy; do
    [ -z "${!name+set}" ] || variables+=("$name=${!name}")
done

# unshare ignores SIGTERM while it waits, and the first process of a namespace does, too.
setpriv --pdeathsig KILL env -i "${variables[@]}" \
    unshare --mount --pid --ipc --uts --fork --kill-child --mount-proc \
    bash -c "set -euo pipefail; $(declare -f run_inside); run_inside \"\$@\"" \
    empty-machine "$root" "$base" "$packages" "$PWD" "$@" <&0 &
machine=$!
trap 'kill -KILL $machine' HUP INT TERM
status=0
wait $machine || status=$?
exit $status
