# SPDX-License-Identifier: MIT
# Swap files, on a volume at /data. swapfile.txt is what Debian's Linux prints.
# shellcheck shell=sh disable=SC3044
PATH=/bin
swaps() {
    tail -n +2 /proc/swaps | sed 's/[[:space:]][[:space:]]*/ /g'
}
quietly() {
    "$@" >/dev/null
}
cd /data || exit 1
dd if=/dev/zero of=swap bs=1M count=24 2>/dev/null
swapon /data/swap
quietly mkswap swap
swapon /data/swap
swaps
swapon /data/swap
rm swap
mv swap other
ln swap linked
echo over >new
mv new swap
true >swap
umount /data
swapoff /data
swapoff /data/new
swapoff /data/swap
swaps
swapoff /data/swap
rm -f swap new linked && echo removed
truncate -s 1M hole
quietly mkswap hole
swapon /data/hole
dd if=/dev/zero of=short bs=4k count=100 2>/dev/null
quietly mkswap short
truncate -s 100k short
swapon /data/short
dd if=/dev/zero of=tiny bs=4k count=1 2>/dev/null
swapon /data/tiny
fallocate -l 4M unwritten
quietly mkswap unwritten
swapon /data/unwritten
swaps
swapoff /data/unwritten
swapon /data
mkfifo pipe
swapon /data/pipe
swapon /data/nothing
swapon /dev/null
mount -t tmpfs none /tmp
dd if=/dev/zero of=/tmp/swap bs=1M count=1 2>/dev/null
quietly mkswap /tmp/swap
swapon /tmp/swap
mount -o remount,ro /data
swapon /data/unwritten
cd /
