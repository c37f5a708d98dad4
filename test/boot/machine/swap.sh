#!/bin/sh
# SPDX-License-Identifier: MIT
# swap.sh GROUP PROGRAMS: private memory on a disk. PROGRAMS: the folder of the test programs.
#   memory  a program with four times the machine's memory has the same checksum as on this computer; fork, mremap, mprotect,
#           mlock, threads and system calls with pages that are on the disk; swapon(2) and swapoff(2)
#   traces  for three traces Clock fetches as many pages as its model, within 10 %
#   files   swap files answer as on Linux (swapfile.txt), and a file in many pieces, of which some are smaller than a page, keeps what
#           was swapped to it
#   sqlite  a database of 100 MiB in 16 MiB of memory: in the private memory of sqlite3, and in a file with its pages in the cache
#   full    swap is full: the report of who uses what; a disk that fails, when it is written and when it is read; bad devices
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
group=${1:-memory}
programs=$(CDPATH='' cd -- "${2:-$top/build/host/test/programs}" && pwd -P)
cd "$temp" || exit 1

# boot ARGS...: a machine of 16 MiB; the kernel checks its invariants at the end.
boot() {
    "$OURO" run --medium direct --machine microvm --timeout $((100 * ${SLOW:-1})) -m 16M ${KERNEL:+--kernel "$KERNEL"} --append check-at-end "$@" >out 2>err
}

# expect FILE PATTERN WHAT
expect() {
    grep -Eq -e "$2" "$1" || { bad "$3: no line '$2'"; show out; show err; }
}

memory() {
    "$programs/swap-musl" >linux.txt || exit 1
    for tables in recursive temporary; do
        boot --pagetables $tables --swap 128M "$programs/swap-musl" || { bad "$tables: the status is not 0"; show err; }
        diff linux.txt out || bad "$tables: not as on Linux"
    done
    "$programs/swap-musl" 64 >linux.txt || exit 1
    boot --swap 256M "$programs/swap-musl" 64 || { bad 'four times the memory: the status is not 0'; show err; }
    diff linux.txt out || bad 'four times the memory: not as on Linux'

    sum=$("$programs/swaptrace-musl" hot 16384 100000 | grep '^sum')
    boot --stats --swap 128M "$programs/swaptrace-musl" hot 16384 100000 || { bad 'swaptrace: the status is not 0'; show err; }
    expect out "^$sum\$" 'four times the memory: the checksum'
    expect out '^major [1-9]' 'faults that waited for the disk'
    expect err '^ouro: clock: front turns=[1-9].* evicted=[1-9]' '--stats'

    # 5 MiB of the kernel's: the program's thread sleeps at preemption points, and nothing waits for the disk without sleep.
    gcc -O1 -static -o kernel_memory "$here/kernel_memory.c" || exit 1
    boot --stats --swap 64M ./kernel_memory || { bad 'memory of the kernel: the status is not 0'; show err; }
    expect out '^5242880 bytes in pipes, sum 359040$' 'memory of the kernel'
    expect err "waits=[0-9]+ \\(for the kernel's frames [1-9][0-9]*, without sleep 0\\)" 'memory of the kernel'

    boot --swap 128M "$programs/swap-musl" off /dev/vda || { bad 'off: the status is not 0'; show err; }
    sed 's/\t/ /g; s/  */ /g' out >plain
    cat >expected <<'T'
MADV_COLD = 0
MADV_PAGEOUT = 0
in memory: 0 pages
it is filled: yes
MADV_PAGEOUT of locked memory: errno 22, Invalid argument
swapoff with too little memory: errno 12, Out of memory
swapon of it again: errno 16, Resource busy
swapon of a file: errno 22, Invalid argument
swapon of nothing: errno 2, No such file or directory
swapon with bad flags: errno 22, Invalid argument
swapoff of a file: errno 22, Invalid argument
swapoff = 0
what came back: yes
Filename Type Size Used Priority
swapoff again: errno 22, Invalid argument
swapon = 0
Filename Type Size Used Priority
/dev/vda partition 131068 0 7
filled again: yes
T
    diff expected plain || bad 'swapon and swapoff'
}

traces() {
    gcc -O1 -o clock_table "$top/test/unit/support/clock_table.c" "$top/test/unit/support/clock_model.c" || exit 1
    for trace in loop hot phases; do
        count=40000
        [ "$trace" = loop ] && count=12000
        boot --swap 64M "$programs/swaptrace-musl" "$trace" 6000 "$count" || { bad "$trace: the status is not 0"; show err; }
        read -r _ total _ free _ in <<T
$(head -n 1 out)
T
        model=$(./clock_table "$total" "$free" 6000 "$count" "$trace" Clock)
        echo "$trace: $in pages came back, $model in the model"
        if [ $((in * 10)) -gt $((model * 11)) ] || [ $((in * 10)) -lt $((model * 9)) ]; then
            bad "$trace: $in pages, the model has $model"
        fi
    done
}

full() {
    boot --swap 8M "$programs/swap-musl" fill && bad 'full: the status is 0'
    expect err '^==== CRASH: out of memory \(SIGKILL' 'full'
    expect err 'usage .*; swap 8188 KiB, of which [0-9]{1,2} KiB are free' 'full: the sum'
    expect err '^ +1[0-9]{4} KiB, and [78][0-9]{3} KiB on disk, of the [0-9]+ KiB at 0x[0-9a-f]+: anonymous memory' 'full: the area'

    # The device fails: QEMU's blkdebug, with errors from the second write, or read, of data on.
    for event in write read; do
        printf '[inject-error]\nevent = "none"\niotype = "%s"\nerrno = "5"\nsector = "8192"\n' $event >rules
        EDIT="s|^if=none,id=disk0.*file=\\(.*\\)|if=none,id=disk0,format=raw,file.driver=blkdebug,file.config=$temp/rules,file.image.driver=file,file.image.filename=\\1|"
        edit_qemu
        boot --swap 64M "$programs/swap-musl" 24
        status=$?
        unset OURO_QEMU
        if [ $event = write ]; then
            expect err 'swap: /dev/vda: cannot be written; nothing more is swapped out' 'write errors'
            expect err '^==== CRASH: out of memory' 'write errors: the memory that is left'
        else
            [ $status -ne 0 ] || bad 'read errors: the status is 0'
            expect err '^==== CRASH: .*\(SIGBUS' 'read errors'
        fi
    done

    truncate -s 1M none
    boot --disk none --append swap=vda "$programs/hello-musl" && bad 'no header: the status is 0'
    expect err 'swap=vda: mkswap\(8\) has not prepared it' 'no header'
    boot --append swap=vdx "$programs/hello-musl" && bad 'no device: the status is 0'
    expect err 'swap=vdx: there is no such device or file' 'no device'
    "$OURO" run --swap 1K "$programs/hello-musl" >out 2>err && bad '--swap 1K is accepted'
    expect err '--swap 1K: not a size' '--swap 1K'
}

files() {
    PATH=$PATH:/usr/sbin:/sbin
    mkdir root && cp "$here/swapfile-script.sh" root/sc.sh
    truncate -s 64M disk && mke2fs -q -F -t ext4 -b 4096 disk || exit 1
    boot -m 64M --disk disk --append mount=vda:/data --root root /bin/busybox sh /sc.sh || { bad 'files: status'; show err; }
    tail -n +2 "$here/swapfile.txt" >expected
    cat out err | sort >plain
    sort expected | diff - plain || bad 'files: not as on Linux'
    e2fsck -fn disk >fsck 2>&1 || { bad 'files: e2fsck found errors'; show fsck; }

    # Blocks of 1 KiB, of which two of each seven are free.
    mkdir -p tree
    for i in $(seq 7000); do
        [ $((i % 7)) -lt 5 ] && printf '%1000s' x >"tree/keep$i" || printf '%1000s' x >"tree/$i"
    done
    truncate -s 0 disk && truncate -s 160M disk && mke2fs -q -F -t ext4 -b 1024 -N 9000 -d tree disk || exit 1
    cp "$programs/swaptrace-musl" root/trace
    cat >root/sc.sh <<'S'
cd /data && rm [0-9]* && fallocate -l 100M swap && mkswap swap >/dev/null && swapon /data/swap && tail -n 1 /proc/swaps
/trace hot 16384 100000 || exit 1
swapoff /data/swap
S
    sum=$("$programs/swaptrace-musl" hot 16384 100000 | grep '^sum')
    boot --disk disk --append mount=vda:/data --root root /bin/busybox sh /sc.sh || { bad 'pieces: status'; show err; }
    expect out "^$sum\$" 'pieces: the checksum'
    expect out '^/data/swap +file' 'pieces'
    boot --stats --disk disk --append "mount=vda:/data swap=/data/swap" --root root /trace hot 16384 10000 || { bad 'swap=/data/swap: status'; show err; }
    expect out "^$("$programs/swaptrace-musl" hot 16384 10000 | grep '^sum')\$" 'swap=/data/swap: the checksum'
    expect err 'swap: out=[1-9]' 'swap=/data/swap: nothing was swapped'
    boot --disk disk --append "mount=vda:/data swap=/data/keep1" /bin/busybox true && bad 'swap=/data/keep1: the status is 0'
    expect err 'swap=/data/keep1: mkswap\(8\) has not prepared it' 'a file that is no swap'
    e2fsck -fn disk >fsck 2>&1 || { bad 'pieces: e2fsck found errors'; show fsck; }
}

sqlite() {
    mkdir root
    # The answer depends on the version of sqlite3.
    cat >root/work.sql <<'S'
.output /dev/null
pragma journal_mode=off;
.output stdout
pragma synchronous=off;
create table t(a integer primary key, b text, c integer);
with recursive n(x) as (select 1 union all select x + 1 from n where x < 100000)
    insert into t select x, printf('%01000d', x * 7919 % 100003), x * 31 % 1009 from n;
select count(*), sum(a), sum(c), sum(length(b)) from t;
update t set c = c + 1 where a % 100 = 3;
select c, count(*), min(b) = printf('%01000d', 0 + min(b)) from t where a % 1000 < 5 group by c order by count(*) desc, c limit 5;
select sum(a * (b + 0)) from t where a between 40000 and 60000;
select page_count * page_size > 100000000 from pragma_page_count, pragma_page_size;
select b + 0 from t where a in (1, 99, 31415, 99999) order by a;
pragma quick_check;
S
    sqlite3 :memory: <root/work.sql >expected || exit 1
    for where in :memory: /data/t.db; do
        set -- --swap 256M
        if [ $where = /data/t.db ]; then
            truncate -s 256M disk && /sbin/mke2fs -q -F -t ext4 disk || exit 1
            set -- --disk disk --append mount=vda:/data
        fi
        boot "$@" --root root --with /usr/bin/sqlite3 /bin/busybox sh -c "exec sqlite3 $where </work.sql" || { bad "$where: status $?"; show err; }
        diff expected out || bad "$where: other results"
    done
}

case $group in
memory) memory ;;
files) files ;;
sqlite) sqlite ;;
traces) traces ;;
full) full ;;
esac
finish
