#!/bin/sh
# SPDX-License-Identifier: MIT
# ext4-cuts.sh: power cuts. A program works on a volume whose writes and flushes QEMU logs (blklogwrites); cuts.py makes the disk of a
# cut at a random place; Ouro mounts it, which replays the journal, and all is there that fsync() has promised (cuts.c); e2fsck -fn finds
# nothing. One cut in five is cut again in that mount, and one in ten is mounted by Linux, with the same check. CUTS=N: so many, 30.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
# shellcheck source-path=SCRIPTDIR source=linux.sh
. "$here/linux.sh"
cd "$temp" || exit 1
PATH=$PATH:/usr/sbin:/sbin
cuts=${CUTS:-30}
seed=${SEED:-1}
musl-gcc -static -O2 -o cuts "$here/cuts.c" || exit 1
linux_ready

# logged COMMAND...: with a log of the first disk's writes in the file `log`.
logged() {
    rm -f log
    truncate -s 64M log
    EDIT='s/^if=none,id=disk0,.*/if=none,id=disk0,discard=unmap,driver=blklogwrites,file.driver=raw,file.file.driver=file,file.file.filename=disk,log.driver=raw,log.file.driver=file,log.file.filename=log,log-sector-size=512/'
    edit_qemu
    "$@"
    status=$?
    unset OURO_QEMU
    return $status
}

# ouro WORDS...: cuts WORDS... on the disk.
ouro() {
    "$OURO" run --medium direct --machine microvm --timeout $((100 * ${SLOW:-1})) ${KERNEL:+--kernel "$KERNEL"} --disk disk --append mount=vda:/data \
        ./cuts "$@" >out 2>err
}

# judge WHAT
judge() {
    grep -q '^claim' out || { bad "$1: something is lost"; show out; show err; }
    e2fsck -fn disk >fsck 2>&1 || { bad "$1: e2fsck found errors"; show fsck; }
    [ -z "$KEEP" ] || [ "$failures" = 0 ] || { cp before log disk "$KEEP"; finish; }
}
KEEP=${KEEP:-} # a folder: the first failure's files

echo 'mount /dev/vda /data && /cuts check && umount /data' >check
first=
for options in '-b 4096' '-b 1024'; do
    count=$((cuts / 2))
    rm -f disk before
    truncate -s 24M disk
    # shellcheck disable=SC2086
    mke2fs -q -F -t ext4 -J size=4 $options disk 23M || exit 1
    cp disk before
    logged ouro work 120 || { bad "$options: the work"; show out; show err; }
    mv log work.log
    i=0
    while [ $i -lt $count ]; do
        seed=$((seed + 1))
        i=$((i + 1))
        where="$options, seed $seed, $(python3 "$here/cuts.py" before work.log disk $seed)" || exit 1
        if [ $((i % 5)) = 0 ]; then # the mount is cut, too
            cp disk again
            logged ouro check
            where="$where; again $(python3 "$here/cuts.py" again log disk $seed)"
        fi
        if [ $((i % 10)) = 7 ]; then
            linux_boot disk check cuts || { bad "$where: Linux"; show linux.out; }
            cp linux.out out
        else
            ouro check
        fi
        judge "$where"
        first="$first $(sed -n 's/^claim //p' out)"
    done
done
# The cuts were at different places.
[ "$(echo "$first" | tr ' ' '\n' | sort -u | wc -l)" -gt $((cuts / 3)) ] || bad "the claims were $first"
finish
