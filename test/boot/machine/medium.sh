#!/bin/sh
# SPDX-License-Identifier: MIT
# medium.sh GROUP: media that are only read, and overlays.
#   overlay  overlay-script.sh answers as on Linux (overlay.txt), with both layers in memory, and with the upper one on ext4
#   root     root=: an ISO 9660 medium below the root file system, on each kind of CD drive and on a disk; ext4 as the root
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
group=${1:-overlay}
cd "$temp" || exit 1
PATH=$PATH:/usr/sbin:/sbin
busybox=/bin/busybox

# boot ARGS...
boot() {
    "$OURO" run --timeout $((100 * ${SLOW:-1})) ${KERNEL:+--kernel "$KERNEL"} "$@" >out 2>err
}

# expect_line FILE PATTERN WHAT
expect_line() {
    grep -Eq -e "$2" "$1" || { bad "$3: no line '$2'"; show out; show err; }
}

# compare WHAT UPPER ARGS...: UPPER mounts the upper layer's file system.
compare() {
    what=$1 upper=$2
    shift 2
    boot --medium direct --machine microvm --root root "$@" "$busybox" \
        sh -c "mkdir /lo /r; mount -t tmpfs none /lo; $upper; sh /script 2>&1" || { bad "$what: status $?"; show err; }
    sed 's/^\/script: /\/o.sh: /' out >answers
    diff expected answers >difference || { bad "$what: other answers than Linux's"; show difference; }
}

overlay() {
    mkdir root && cp "$here/overlay-script.sh" root/script
    tail -n +2 "$here/overlay.txt" >expected
    compare 'in memory' 'mount -t tmpfs none /r'
    truncate -s 32M disk && mke2fs -q -F -t ext4 disk || exit 1
    compare 'upper on ext4' 'mount -t ext4 /dev/vda /r && rmdir /r/lost+found' --disk disk
    e2fsck -fn disk >fsck 2>&1 || { bad 'e2fsck found errors'; show fsck; }
}

# A medium with names, links, a large file and a large folder.
make_medium() {
    mkdir -p tree/etc/deep/a/b/c/d/e/f/g/h tree/many
    echo 'from the medium' >tree/etc/note
    ln -s note tree/etc/link
    echo deep >tree/etc/deep/a/b/c/d/e/f/g/h/file
    head -c 3000000 /dev/urandom >tree/large
    i=0
    while [ $i -lt 800 ]; do echo $i >tree/many/a-file-with-a-name-$i; i=$((i + 1)); done
    xorriso -as mkisofs -quiet -R -V MEDIUM -o medium.iso tree 2>log || { show log; exit 1; }
    sum=$(md5sum <tree/large)
}

script='cat /etc/note /etc/link /etc/deep/a/b/c/d/e/f/g/h/file; md5sum </large; cat /many/*-799; ls /many | wc -l
    echo changed >>/etc/note; cat /etc/note; rm /etc/link /many/*; rmdir /many; ls -d /etc/link /many; grep " / " /proc/mounts
    cp /large /copy && md5sum </copy; stat -c "%n %s" /large'

# check WHAT ARGS...
check() {
    what=$1
    shift
    boot "$@" "$busybox" sh -c "exec 2>&1; $script" || { bad "$what: status $?"; show err; }
    for line in '^from the medium$' '^deep$' '^799$' '^800$' '^changed$' 'ls: /etc/link: No such' 'ls: /many: No such' \
        '^overlay / overlay rw' '^/large 3000000$'; do
        expect_line out "$line" "$what"
    done
    [ "$(grep -c "^$sum" out)" = 2 ] || { bad "$what: another large file"; show out; }
}

root() {
    make_medium
    check 'virtio' --medium direct --machine microvm --disk medium.iso:ro --append root=vda
    check 'IDE CD' --medium direct --machine pc --qemu-arg=-cdrom --qemu-arg=medium.iso --append root=sr0
    check 'AHCI CD' --medium direct --machine q35 --qemu-arg=-cdrom --qemu-arg=medium.iso --append root=/dev/sr0:ro
    truncate -s 32M disk && mke2fs -q -F -t ext4 -d tree disk || exit 1
    cp disk before
    check 'ext4 below' --medium direct --machine microvm --disk disk --append root=vda:ro
    cmp -s disk before || bad 'root=vda:ro wrote to the disk'
    mkdir -p tree/bin && cp "$busybox" tree/bin
    truncate -s 0 disk && truncate -s 32M disk && mke2fs -q -F -t ext4 -d tree disk || exit 1
    boot --medium direct --machine microvm --disk disk --append root=vda "$busybox" sh -c 'echo kept >/etc/note; grep " / " /proc/mounts'
    expect_line out '^vda / ext4 rw' 'ext4 as the root'
    [ "$(debugfs -R 'cat /etc/note' disk 2>/dev/null)" = kept ] || bad 'ext4 as the root: nothing was kept'
    e2fsck -fn disk >fsck 2>&1 || { bad 'ext4 as the root: e2fsck found errors'; show fsck; }
    boot --medium direct --machine microvm --append root=vdz "$busybox" true && bad 'root=vdz: it started'
    expect_line err 'vdz cannot be the root: ' 'no such disk'
}

case $group in
overlay) overlay ;;
root) root ;;
*) exit 1 ;;
esac
finish
