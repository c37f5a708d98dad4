#!/bin/sh
# SPDX-License-Identifier: MIT
# stress.sh: random operations beside a model (churn.c) and fio's verify jobs, on the RAM file system, on ext4 with blocks of 1 and 4 KiB in
# little memory, and on a shared folder. ROUNDS=N: so many seeds, 2.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
PATH=$PATH:/usr/sbin:/sbin
packages=$top/build/packages/disk
musl-gcc -static -O2 -o churn "$here/churn.c" || exit 1
mkdir -p shared "$top/build/packages"

# run ARGS...
run() {
    "$OURO" run --medium direct --machine microvm --timeout $((300 * ${SLOW:-1})) ${KERNEL:+--kernel "$KERNEL"} "$@" >out 2>err
}

judge() {
    e2fsck -fn "$1" >fsck 2>&1 || { bad "$1: e2fsck found errors"; show fsck; }
}

# churned WHAT LACKS: how the last machine ended.
churned() {
    [ "$(tail -n 1 out)" = 'churn: all as it should be' ] || { bad "$1"; show out; show err; }
    [ "$(grep -c 'churn: without' out)" -le "$2" ] || { bad "$1 lacks more than it should"; show out; }
}

for seed in 5 8 $(seq 101 $((98 + ${ROUNDS:-2}))); do # 5 and 8 have found faults
    rm -f small.img large.img
    ./churn here "$seed" 3000 >out 2>err
    churned "seed $seed on Linux" 4
    run ./churn /tmp/file "$seed" 5000
    churned "seed $seed in memory" 1
    run -m 24M --volume small.img:/data --volume-size 32M ./churn /data/file "$seed" 5000
    churned "seed $seed on ext4 with blocks of 1 KiB" 0
    judge small.img
    run -m 24M --volume large.img:/data --volume-size 600M ./churn /data/file "$seed" 5000
    churned "seed $seed on ext4 with blocks of 4 KiB" 0
    judge large.img
    run --share shared:/mnt ./churn /mnt/file "$seed" 2500
    churned "seed $seed on a shared folder" 4
done

"$top/test/packages/root.sh" "$packages" busybox-static fio sqlite3 >log 2>&1 || { echo "without fio: $(tail -n 1 log)"; finish; }
# fio writes blocks of several sizes at random places, with checksums, and reads them all again.
set -- --sysroot "$packages" /usr/bin/fio --name=verify --size=6M --rw=randwrite --bsrange=512-40k --ioengine=psync --thread --disk_util=0 --verify=crc32c \
    --do_verify=1 --verify_fatal=1 --end_fsync=1 --randseed=5 --numjobs=2 --directory
for place in '/tmp ' '/data --volume large.img:/data' '/mnt --share shared:/mnt'; do
    # shellcheck disable=SC2086
    run -m 384M ${place#/* } "$@" "${place%% *}" || { bad "fio on $place: the status is not 0"; show out; show err; }
    grep -q 'err= 0' out || { bad "fio on $place"; show out; show err; }
    grep -q 'verify:.*bad\|Input/output error' out && bad "fio on $place found other bytes"
done
judge large.img
finish
