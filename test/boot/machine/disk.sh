#!/bin/sh
# SPDX-License-Identifier: MIT
# disk.sh GROUP: disks of the machine.
#   files    block files say what Linux's do; partitions; 16 disks; what is written is in the file on this computer
#   wrong    files that are no disks, and a disk that another machine has
#   volumes  ouro volume, and --volume makes what is not there
#   mounted  --volume is made, mounted, written and read again, and e2fsck finds nothing wrong
#   errors   bad sectors (EIO), a disk that is taken away; the machine goes on
#   full     no space for the disk's file (ENOSPC there is EIO here): the file system in it is read-only then, and the tool says why
# blockfile.txt is what Debian's Linux 6.1 printed in QEMU, with an NVMe disk of 4 MiB.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
group=${1:-files}
cd "$temp" || exit 1
busybox=/bin/busybox

# boot MACHINE ARGS...
boot() {
    kind=$1
    shift
    "$OURO" run --medium direct --machine "$kind" --timeout $((100 * ${SLOW:-1})) ${KERNEL:+--kernel "$KERNEL"} "$@" >out 2>err
}

# expect_line FILE PATTERN WHAT
expect_line() {
    grep -Eq -e "$2" "$1" || { bad "$3: no line '$2'"; show out; show err; }
}

files() {
    gcc -O1 -static -o blockfile "$top/test/programs/file/blockfile.c" || exit 1
    for kind in microvm pc q35; do
        rm -f disk
        truncate -s 4M disk
        boot $kind --disk disk ./blockfile /dev/vda || bad "$kind: blockfile failed"
        cmp -s out "$here/blockfile.txt" || { bad "$kind: block files differ from Linux's"; diff "$here/blockfile.txt" out; }
    done

    # Two partitions of a DOS table, made by hand: 2048 sectors from 2048 on, 1000 from 8192 on.
    truncate -s 8M table
    printf '\0\0\0\0\203\0\0\0\0\010\0\0\0\010\0\0\0\0\0\0\203\0\0\0\0\040\0\0\350\003\0\0' |
        dd of=table bs=1 seek=446 conv=notrunc 2>/dev/null
    printf '\125\252' | dd of=table bs=1 seek=510 conv=notrunc 2>/dev/null
    set --
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        truncate -s "${i}M" "disk,$i"
        set -- "$@" --disk "disk,$i"
    done
    boot microvm --disk table:ro "$@" $busybox sh -c 'cat /proc/partitions; echo hello | dd of=/dev/vdp conv=fsync 2>/dev/null
        echo second | dd of=/dev/vdb bs=1 seek=1000000 2>/dev/null; cat /sys/block/vda/vda2/start; wc -c </dev/vda2; wc -c </dev/vdp
        echo x >/dev/vda1 || true' || bad 'sixteen disks: the status is not 0'
    expect_line out '^ 254        1       1024 vda1$' 'partitions'
    expect_line out '^ 254        2        500 vda2$' 'partitions'
    expect_line out '^ 254      240      15360 vdp$' 'sixteen disks'
    expect_line out '^8192$' 'the start of vda2'
    expect_line out '^512000$' 'the size of vda2'
    expect_line out '^15728640$' 'the size of vdp'
    expect_line err 'Operation not permitted' 'a read-only disk'
    [ "$(head -c 5 disk,15)" = hello ] || bad 'what was written to /dev/vdp is not in the file'
    [ "$(dd if=disk,1 bs=1 skip=1000000 count=6 2>/dev/null)" = second ] || bad 'what was written to /dev/vdb is not in the file'
}

# refuse MESSAGE OPTIONS...
refuse() {
    wanted=$1
    shift
    boot microvm "$@" $busybox true
    [ $? -eq 125 ] || bad "$*: status is not 125"
    expect_line err "^ouro: $wanted\$" "$*"
}

wrong() {
    truncate -s 1M disk
    : >empty
    mkdir folder
    refuse '--disk missing: there is no such file; truncate -s 1G missing makes an empty one' --disk missing
    refuse '--disk folder: this is a folder, and a disk is a file' --disk folder
    refuse '--disk folder: this is a folder, and a disk is a file' --disk folder:ro
    refuse '--disk /dev/null: this is neither a file nor a block device' --disk /dev/null
    refuse '--disk empty: the file is empty; truncate -s 1G empty gives it a size' --disk empty
    refuse '--disk disk: this machine has the disk already' --disk disk --disk disk
    refuse 'Bochs gets no --disk: leave it out, or use --emulator qemu' --emulator bochs --medium cd --machine pc --disk disk
    if [ "$(id -u)" -ne 0 ]; then
        chmod a-w disk
        refuse '--disk disk: the file cannot be written, and :ro after it only reads it: Permission denied' --disk disk
        chmod u+w disk
    fi
    mkfifo keys
    "$OURO" run --medium direct --machine microvm --timeout $((100 * ${SLOW:-1})) ${KERNEL:+--kernel "$KERNEL"} --disk disk $busybox sh -c 'echo ready; cat' \
        <keys >first 2>&1 &
    exec 3>keys
    n=0
    until grep -q ready first || [ $n -eq 300 ]; do
        n=$((n + 1))
        sleep 0.1
    done
    refuse '--disk disk: another machine has this disk' --disk disk
    refuse '--disk disk: another machine has this disk' --disk disk:ro
    exec 3>&-
    wait
    boot microvm --disk disk:ro $busybox true || bad 'a disk that was in use is refused'
}

volumes() {
    mkdir -p source/inner taken
    echo first >source/one
    echo second >"source/inner/two words"
    "$OURO" volume create disk.img 16M >out.txt 2>err || { bad 'volume create'; show err; }
    "$OURO" volume cp source disk.img:/copied >out.txt 2>err || { bad 'volume cp, a folder in'; show err; }
    "$OURO" volume cp source/one disk.img:/copied/one >out.txt 2>err || { bad 'volume cp replaces nothing'; show err; }
    "$OURO" volume cp disk.img:/copied taken 2>err || { bad 'volume cp, a folder out'; show err; }
    diff -r source taken/copied || bad 'a folder is not what it was'
    "$OURO" volume cp disk.img:/copied/one one 2>err || { bad 'volume cp, a file out'; show err; }
    [ "$(cat one)" = first ] || bad 'volume cp: the file is not what it was'
    "$OURO" volume ls disk.img:/copied >out.txt 2>err || bad 'volume ls'
    grep -q ' inner$' out.txt || { bad 'volume ls lists nothing'; show out.txt; }
    "$OURO" volume fsck disk.img >out.txt 2>err || { bad 'volume fsck'; show out.txt; }
    for words in 'create disk.img' 'create other.img 3X' 'ls missing.img' 'cp missing disk.img:/x' 'cp disk.img:/missing x' 'cp a b' 'frob x'; do
        # shellcheck disable=SC2086 # words
        "$OURO" volume $words >out.txt 2>err
        [ $? -eq 125 ] || bad "volume $words: status is not 125"
        grep -q '^ouro: ' err || { bad "volume $words: no sentence"; show err; }
    done
    refuse '--volume missing.img: there is no such file; without :ro it is made' --volume missing.img:/data:ro
    truncate -s 1M plain
    refuse '--volume plain: there is no ext4 in the file: name one that is not there yet, or give it to the program as it is by --disk plain' \
        --volume plain:/data
}

mounted() {
    for kind in microvm pc; do
        rm -f disk.img
        boot "$kind" --volume disk.img:/data --volume-size 32M $busybox sh -c 'echo kept >/data/file; mkdir /data/folder; grep " /data ext4 rw" /proc/mounts' ||
            bad "$kind: a volume that is made"
        expect_line err '^ouro: made the volume disk.img: ext4, 32 MiB$' "$kind: a volume that is made"
        expect_line out ' /data ext4 rw' "$kind: a volume that is made"
        boot "$kind" --volume disk.img:/data:ro $busybox sh -c 'cat /data/file; ls /data; echo no >/data/file' && bad "$kind: a read-only volume is written"
        expect_line out '^kept$' "$kind: a volume that is read again"
        expect_line out '^folder$' "$kind: a volume that is read again"
        expect_line err 'Read-only file system' "$kind: a read-only volume"
        "$OURO" volume fsck disk.img >out 2>err || { bad "$kind: e2fsck"; show out; }
    done
    # As Debian's Linux 6.1 says: the disk is its file system's until umount().
    gcc -O1 -static -o blockfile "$top/test/programs/file/blockfile.c" || exit 1
    boot microvm --volume disk.img:/data ./blockfile /dev/vda /data || bad 'blockfile beside a mount failed'
    [ "$(tr '\n' ' ' <out)" = 'O_EXCL, mounted: EBUSY read: 1 umount: 0 O_EXCL: 0 mount: EBUSY mount: 0 ' ] || { bad 'a mounted disk is not its own'; show out; }
}

errors() {
    dd if=/dev/urandom of=disk bs=1M count=4 2>/dev/null
    # Sector 1000 is bad.
    set -- --qemu-arg -blockdev --qemu-arg "driver=file,filename=disk,node-name=file" --qemu-arg -blockdev --qemu-arg \
        "driver=blkdebug,node-name=bad,image=file,inject-error.0.event=none,inject-error.0.sector=1000,inject-error.0.errno=5" \
        --qemu-arg -device --qemu-arg virtio-blk-pci,drive=bad,werror=report,rerror=report
    # shellcheck disable=SC2016 # the variables are those of the shell in the machine
    mkdir tree && gcc -O1 -static -o tree/blockfile "$top/test/programs/file/blockfile.c" || exit 1
    # shellcheck disable=SC2016 # the variables are those of the shell in the machine
    boot pc "$@" --root tree $busybox sh -c '/blockfile /dev/vda 999 1000 1001
        for i in 124 125 126; do dd if=/dev/vda bs=4096 skip=$i count=1 2>/dev/null | wc -c; done
        dd if=/dev/zero of=/dev/vda bs=512 seek=1000 count=1 || echo write $?; dd if=/dev/zero of=/dev/vda bs=4096 seek=125 count=1 conv=fsync ||
        echo fsync $?; dd if=/dev/zero of=/dev/vda bs=512 seek=1008 count=1 conv=fsync && echo goes on' || bad 'bad sectors: the status is not 0'
    [ "$(head -n 6 out | tr '\n' ' ')" = '999: 512 1000: EIO 1001: 512 4096 0 4096 ' ] || { bad 'bad sectors are not what cannot be read'; show out; show err; }
    expect_line err 'I/O error|Input/output error' 'bad sectors'
    expect_line out '^write 1$' 'bad sectors'
    expect_line out '^fsync 1$' 'bad sectors, written later'
    expect_line out '^goes on$' 'bad sectors'

    # The disk is taken away.
    mkfifo monitor.in monitor.out keys
    cat monitor.out >heard &
    "$OURO" run --medium direct --machine microvm --timeout $((100 * ${SLOW:-1})) ${KERNEL:+--kernel "$KERNEL"} --disk disk --qemu-arg -chardev --qemu-arg \
        "pipe,id=m,path=$temp/monitor" --qemu-arg -mon --qemu-arg chardev=m $busybox sh -c 'wc -c </dev/vda; echo ready; read line
        wc -c </dev/vda; dd if=/dev/zero of=/dev/vda count=1 || echo write $?; echo goes on; cat /proc/partitions' <keys >out 2>err &
    machine=$!
    exec 4>keys 3>monitor.in
    n=0
    until grep -q ready out || [ $n -eq 300 ]; do
        n=$((n + 1))
        sleep 0.1
    done
    echo 'drive_del disk0' >&3
    sleep 1
    echo >&4
    wait $machine || bad 'a disk that is taken away: the status is not 0'
    exec 3>&- 4>&-
    expect_line out '^4194304$' 'a disk that is taken away, before'
    expect_line err 'I/O error|Input/output error' 'a disk that is taken away'
    expect_line out '^write 1$' 'a disk that is taken away'
    expect_line out '^goes on$' 'a disk that is taken away'
    expect_line out 'vda$' 'a disk that is taken away'
}

# In a file system of 8 MiB, which only a namespace or root can have.
full() {
    if [ "${1:-}" != inside ]; then
        for root in '' r; do
            unshare -m$root true 2>/dev/null && exec unshare -m$root "$0" full inside
        done
        exit 77
    fi
    mkdir small && mount -t tmpfs -o size=8M none small && truncate -s 64M small/disk && mkfs.ext4 -q -F small/disk || exit 77
    boot microvm --volume small/disk:/data $busybox sh -c 'dd if=/dev/urandom of=/data/file bs=64k count=320 2>/dev/null
        sync; echo no >/data/other || echo goes on' || bad 'a full computer: the status is not 0'
    expect_line out '^goes on$' 'a full computer'
    expect_line err 'vda: a write to the journal failed .*; read-only from now on$' 'a full computer'
    expect_line err '^ouro: --volume small/disk: this computer.s file system has no space left: what the program wrote may be lost$' \
        'a full computer'
    truncate -s 1M small/disk
    boot microvm --disk small/disk:ro $busybox true || bad 'a full computer, a read-only disk'
    ! grep -q 'no space left' err || bad 'a disk that is only read is named'
}

case $group in
full) full "${2:-}" ;;
files) files ;;
wrong) wrong ;;
volumes) volumes ;;
mounted) mounted ;;
*) errors ;;
esac
finish
