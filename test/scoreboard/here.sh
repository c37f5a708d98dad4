#!/bin/sh
# SPDX-License-Identifier: MIT
# here.sh ROOT START: runs the cases of standard input on this computer's Linux, with ROOT's files, by its /runner as process 1
# of namespaces of its own. What a case writes goes into a tmpfs; of /dev it has what needs no hardware; it cannot set the
# clock, load modules or restart the computer.
set -eu
if [ "${3-}" != inside ]; then
    exec unshare --mount --pid --fork --kill-child --net --ipc --uts --cgroup "$0" "$1" "$2" inside
fi
root=$1/../here
mkdir -p "$root"
mount --make-rprivate /
mount -t tmpfs tmpfs "$root"
mkdir "$root/upper" "$root/work" "$root/root"
mount -t overlay -o "lowerdir=$1,upperdir=$root/upper,workdir=$root/work" overlay "$root/root"
cd "$root/root"
mkdir -p proc sys dev tmp
mount -t proc proc proc
for name in sys sysrq-trigger; do
    [ -e "proc/$name" ] || continue
    mount --bind "proc/$name" "proc/$name"
    mount -o remount,bind,ro "proc/$name"
done
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev
for name in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
    # shellcheck disable=SC2086 # a list
    mknod -m 666 "dev/${name%% *}" c ${name#* }
done
mkdir dev/pts dev/shm dev/mqueue
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for name in 0:stdin 1:stdout 2:stderr; do
    ln -s "/proc/self/fd/${name%:*}" "dev/${name#*:}"
done
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t mqueue mqueue dev/mqueue
mount -t tmpfs -o mode=1777 tmpfs tmp
ip link set lo up
exec prlimit --core=0 setpriv --bounding-set -sys_time,-sys_boot,-sys_module,-sys_rawio chroot . /runner "$2"
