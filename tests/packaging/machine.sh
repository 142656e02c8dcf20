#!/usr/bin/env bash
# A throw-away copy of this machine with systemd running in it. What is written there stays in memory, its network is
# its own, and all of it ends with our standard input. Prints the id of its first process.
# Usage, as root: machine.sh FOLDER-TO-SEE-AS-WELL
set -euo pipefail

# Parts of a whole system's start that would reach out of it, or are of no use in it.
masked=(
    systemd-sysctl.service systemd-remount-fs.service systemd-tmpfiles-setup-dev.service systemd-modules-load.service
    systemd-random-seed.service systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket
    systemd-udev-trigger.service systemd-timesyncd.service systemd-networkd.service systemd-resolved.service
    systemd-journald-audit.socket systemd-update-utmp.service systemd-binfmt.service systemd-pstore.service
    proc-sys-fs-binfmt_misc.automount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount
    sys-fs-fuse-connections.mount dev-hugepages.mount dev-mqueue.mount
)

outside() { # in a mount namespace of its own
    mount --make-rprivate /
    groups=$(mktemp -d)
    mount -t cgroup2 none "$groups"
    own="$groups/treebeard-machine-$$"
    mkdir "$own"
    echo $$ >"$own/cgroup.procs"
    unshare --pid --mount --cgroup --ipc --uts --net --fork --kill-child "$0" inside "$1" </dev/null &
    parent=$!
    first=""
    while [ -z "$first" ] && kill -0 "$parent"; do
        first=$(cat "/proc/$parent/task/$parent/children")
    done
    echo "${first// /}"
    # Until whoever started us lets go.
    cat >/dev/null || true
    kill -KILL $first || true
    wait "$parent" || true
    echo $$ >"$groups/cgroup.procs"
    find "$own" -depth -type d -exec rmdir {} + || true
    umount "$groups"
    rmdir "$groups"
}

inside() {
    mount --make-rprivate /
    mount -t tmpfs -o size=4g tmpfs /mnt
    mkdir /mnt/written /mnt/work /mnt/root
    mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/written,workdir=/mnt/work /mnt/root
    cd /mnt/root
    mount -t proc proc proc
    mount -t sysfs sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount --rbind /dev dev
    mount -t tmpfs tmpfs run
    mount -t tmpfs tmpfs tmp
    mkdir -p "./$1" run/lock run/before
    mount --bind "$1" "./$1"
    rm -rf etc/systemd/system/*.wants etc/systemd/system/treebeard*
    for unit in "${masked[@]}"; do ln -sf /dev/null "etc/systemd/system/$unit"; done
    ln -sf /lib/systemd/system/multi-user.target etc/systemd/system/default.target
    rm -f lib/systemd/system/multi-user.target.wants/*
    # An image's word that packages start nothing: here they shall.
    rm -f usr/sbin/policy-rc.d
    pivot_root . run/before
    umount -l /run/before
    cd /
    # Credentials of services are mounts that have to be seen by all.
    mount --make-rshared /
    exec env -i container=other PATH="$PATH" /lib/systemd/systemd --system --log-target=console --show-status=false \
        >/run/first.log 2>&1
}

case "$1" in
    inside) inside "$2" ;;
    outside) outside "$2" ;;
    *) exec unshare --mount "$0" outside "$1" ;;
esac
