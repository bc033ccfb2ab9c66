#!/bin/sh
# copy.sh - source.copy: fills the pod's volume from the policy's own image, in the init container rucio-policy-copy.
#
# The argument is the directory of the image. It is copied to new/, which is renamed to package/ when it is complete; what
# an earlier run left is removed first, so that after a crash at any point the next run starts afresh. Symbolic links are
# followed, as they might lead out of the directory. POSIX sh with cp, rm, mv, mkdir and chmod, as in busybox. It travels
# in every pod: no dollar sign before a parenthesis or another one, which Kubernetes would replace; lines like this one are
# left out.
from=$1
root=${2:-/rucio-policy}
umask 022

fail() {
    echo "rucio-policy-copy: $1" >&2
    exit 1
}

# Copied directories may be read-only, and then nobody but root could empty them.
remove() {
    if [ -e "$1" ]; then
        chmod -R u+rwX "$1"
        rm -rf "$1" || fail "$1, which an earlier run left, cannot be removed"
    fi
}

[ -d "$from" ] || fail "this image has no directory $from: set source.copy.path to the one that holds the package"
remove "$root/new"
remove "$root/old"
mkdir "$root/new" || fail "$root cannot be written to"
cp -RL "$from/." "$root/new" ||
    fail "$from cannot be copied: it must be readable for this container's user, hold no dangling link, and fit into the volume"
chmod -R u+rwX,a+rX "$root/new" || fail "$root/new cannot be made readable"
set -- "$root/new"/*
[ -e "$1" ] || fail "$from is empty: set source.copy.path to the directory that holds the package"
if [ -e "$root/package" ]; then
    mv "$root/package" "$root/old" || fail "the package of an earlier run cannot be replaced"
fi
mv "$root/new" "$root/package" || fail "$root/new cannot be renamed to package"
remove "$root/old"
echo "rucio-policy-copy: the package is in place"
