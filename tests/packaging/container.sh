#!/usr/bin/env bash
# Runs a program as a container engine would, where none is to be had: it sees ROOT and nothing else, cannot write but
# to its volume, is the first process of its own, has a network with nothing but loopback, and no privilege at all.
# Prints the id of its process. Ends with it and as it did; kills it when our standard input ends.
# Usage, as root: container.sh ROOT VOLUME MOUNTPOINT USER:GROUP FOLDER PROGRAM ARGUMENT...
set -euo pipefail

if [ "$1" != inside ]; then
    exec 3<&0
    unshare --mount --pid --net --ipc --uts --cgroup --fork "$0" inside "$@" </dev/null >/dev/null 3<&- &
    parent=$!
    first=""
    while [ -z "$first" ] && kill -0 "$parent"; do
        first=$(cat "/proc/$parent/task/$parent/children")
    done
    first=${first// /}
    echo "$first"
    # Who changes its user loses the tie to whoever started it: the test may be killed, and this must not outlive it.
    (cat <&3 >/dev/null || true; kill -KILL "$first") 2>/dev/null >&2 &
    watcher=$!
    code=0
    wait "$parent" || code=$?
    kill "$watcher" || true
    exit "$code"
fi
shift
root=$1 volume=$2 mountpoint=$3 user=$4 folder=$5
shift 5
mount --make-rprivate /
ip link set lo up
mount --bind "$root" "$root"
mount --bind -o nosuid,nodev,noexec "$volume" "$root$mountpoint"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
# Every engine adds these.
for device in null zero random urandom; do mount --bind "/dev/$device" "$root/dev/$device"; done
mount -o remount,bind,ro "$root"
# Whoever looks from outside knows this process by another number than it does itself.
mount -t proc proc /proc
cd "$root"
exec setpriv --no-new-privs --bounding-set=-all,+sys_chroot,+setuid,+setgid \
    unshare --root="$root" --wd="$folder" --setuid="${user%:*}" --setgid="${user#*:}" "$@"
