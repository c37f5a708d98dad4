#!/bin/sh
# SPDX-License-Identifier: MIT
# medium.sh GROUP: media that are only read, and overlays.
#   overlay  overlay-script.sh answers as on Linux (overlay.txt), with both layers in memory, and with the upper one on ext4
#   packed   --root-on-medium: the same files as in memory, from a container image too; by itself where they do not fit
#   image    ouro image --root-on-medium --data: the same disk on each kind of controller, keeping what was written; CDs of Bochs and QEMU
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

# Prints each file of the machine's root with what a file has, but its number.
# shellcheck disable=SC2016 # the shell of the machine expands
list='find / -xdev | sort | while read -r f; do case $f in /|/etc|/proc*|/sys*|/dev*|/etc/hosts|/etc/resolv.conf) continue;; esac
    if [ -d "$f" ] && [ ! -L "$f" ]; then stat -c "%n %A %u %g %Y" "$f"; else stat -c "%N %A %u %g %Y %s %t:%T" "$f"; fi
    if [ -f "$f" ] && [ ! -L "$f" ]; then md5sum <"$f"; fi; done'

# listed WHAT ARGS...: the files are those of the list `files`.
listed() {
    what=$1
    shift
    boot "$@" "$busybox" sh -c "$list" || { bad "$what: status $?"; show err; }
    [ -e files ] || cp out files
    diff files out >difference || { bad "$what: other files"; show difference; }
}

packed() {
    mkdir -p "tree/odd \"\\'*[x]\$'" tree/bin tree/empty tree/deep/a/b/c/d/e/f/g/h/i
    echo text >"tree/odd \"\\'*[x]\$'/-file with  spaces"
    printf 'x' >"tree/name-$(head -c 240 /dev/zero | tr '\0' n)"
    : >tree/nothing
    ln -s 'no such "target"' tree/dangling
    ln -s /odd tree/deep/a/link
    echo shared >tree/first && ln tree/first tree/second
    mkfifo tree/deep/pipe
    head -c 5000 /dev/urandom >tree/deep/a/b/c/d/e/f/g/h/i/data
    cp "$busybox" tree/bin
    chmod 4751 tree/bin/busybox && chmod 1777 tree/empty && chmod 2750 tree/deep && chmod 0400 tree/nothing
    touch -d '2001-02-03 04:05:06Z' tree/first tree/deep/a
    tar -cf root.tar -C tree --sort=name --owner=1234 --group=56789 .
    export SOURCE_DATE_EPOCH=1700000000
    for from in '--root tree' '--oci root.tar'; do
        rm -f files
        # shellcheck disable=SC2086 # two words
        listed "$from in memory" --medium direct --machine microvm $from
        grep -q spaces files || { bad "$from: no list"; show files; }
        for machine in '--medium direct --machine microvm' '--medium cd'; do
            # shellcheck disable=SC2086 # two words
            listed "$from $machine" $machine --root-on-medium $from
        done
    done

    # A root of 300 MiB in 128 MiB of memory: half of it cannot be in memory at any time; it is read, mapped and copied from.
    rm -rf tree && mkdir tree
    head -c 157286400 /dev/urandom | tee tree/a >tree/b
    sum=$(head -c 20971520 tree/a | md5sum)
    # shellcheck disable=SC2016 # the shell of the machine expands
    boot --medium direct --machine microvm -m 128M --root tree "$busybox" sh -c 'cmp /a /b && echo equal
        head -c 20971520 /a >/copy && md5sum </copy; rm /copy; echo more >>/etc/passwd && tail -n 1 /etc/passwd; free -m | grep Mem' || bad "300 MiB: status $?"
    expect_line err '^ouro: the files need 30[0-9] MiB of memory, and the machine has 128: they stay on the medium' '300 MiB'
    for line in '^equal$' "^$sum" '^more$'; do
        expect_line out "$line" '300 MiB'
    done

    rm -rf tree/a tree/b
    "$OURO" run --root-on-medium --medium usb --root tree "$busybox" true 2>err && bad 'a USB stick is the medium'
    expect_line err 'Ouro does not read USB sticks after the boot' 'USB'
    "$OURO" run --root-on-medium --append root=vda --root tree "$busybox" true 2>err && bad 'two roots'
    expect_line err 'are two roots' 'two roots'
    "$OURO" image --root-on-medium -o x.oci "$busybox" true 2>err && bad 'an artifact has a medium'
    expect_line err 'an OCI artifact has no medium' 'OCI'
}

# disk WHAT ARGS...: boots disk.raw by QEMU's options; the Nth boot finds N lines on the data partition.
disk() {
    what=$1
    boots=$((boots + 1))
    shift
    timeout 120 qemu-system-x86_64 -accel tcg -display none -vga none -m 96 -net none -serial file:serial -no-reboot \
        -device isa-debug-exit,iobase=0xf4 -drive if=none,id=d,format=raw,file=disk.raw "$@" >out 2>err
    tr -d '\r' <serial >out
    for line in "$boots lines" "^$sum" '^from the medium$' '^/dev/console$' '^overlay / overlay rw' 'ended with status 7'; do
        expect_line out "$line" "$what"
    done
    grep -Eq 'ext4:|WARN' out && { bad "$what: the file system was not clean"; show out; }
}

image() {
    mkdir -p root/etc
    echo 'from the medium' >root/etc/note
    head -c 3000000 /dev/urandom >root/large
    sum=$(md5sum <root/large) boots=0
    # make FILE ARGS...
    make() {
        file=$1
        shift
        # shellcheck disable=SC2016 # the shell of the machine expands
        SOURCE_DATE_EPOCH=1700000000 "$OURO" image --root root --root-on-medium --append 'console=ttyS0 exit=0xf4' "$@" -o "$file" "$busybox" \
            sh -c 'echo line >>/var/keep/log; echo "$(wc -l </var/keep/log) lines"; md5sum </large; cat /etc/note; tty
            grep " / " /proc/mounts; echo changed >>/etc/note; exit 7' 2>err || { bad "image $file"; show err; }
    }
    make disk.raw --data 16M:/var/keep
    expect_line err 'from a USB stick the machine does not start' 'the image'
    make again.raw --data 16M:/var/keep
    cmp disk.raw again.raw || bad 'two images of the same input differ'
    rm again.raw
    disk virtio -device virtio-blk-pci,drive=d
    disk IDE -device ide-hd,drive=d
    disk AHCI -machine q35 -device ide-hd,drive=d
    disk NVMe -device nvme,drive=d,serial=1
    disk UEFI -bios /usr/share/ovmf/OVMF.fd -device ide-hd,drive=d
    dd if=disk.raw of=part bs=512 skip="$(python3 "$here/partition.py" disk.raw)" 2>/dev/null
    e2fsck -fn part >fsck 2>&1 || { bad 'e2fsck found errors'; show fsck; }
    timeout 120 qemu-system-x86_64 -accel tcg -display none -vga none -m 96 -net none -serial file:serial -device isa-debug-exit,iobase=0xf4 \
        -drive if=none,id=d,format=raw,file=disk.raw -device qemu-xhci -device usb-storage,drive=d >out 2>err
    tr -d '\r' <serial >out
    expect_line out 'stop: LABEL=OURO_[0-9A-F]+ cannot be the root: no disk and no CD drive has this label' 'a USB stick'

    # shellcheck disable=SC2016 # the shell of the machine expands
    for emulator in '--emulator bochs' '--medium cd --machine q35' '--medium cd --firmware uefi'; do
        # shellcheck disable=SC2086 # two words
        boot --root-on-medium --root root $emulator "$busybox" sh -c 'md5sum </large; cat /etc/note; echo more >>/etc/note; wc -l </etc/note; grep " / " /proc/mounts' ||
            { bad "$emulator: status $?"; show err; }
        for line in "^$sum" '^from the medium$' '^2$' '^overlay / overlay rw'; do
            expect_line out "$line" "$emulator"
        done
    done
    for words in 'no:/x' '64K' '16M:x' '16M:/a:b' '16M:/..'; do
        "$OURO" image --data "$words" -o no.raw "$busybox" true 2>err && bad "--data $words was taken"
        expect_line err '^ouro.*--data' "--data $words"
    done
    "$OURO" image --data 16M -o no.iso "$busybox" true 2>err && bad 'an ISO with a data partition'
    expect_line err '--data needs a disk that can be written' 'an ISO'
    "$OURO" image --data 16M -o data.qcow2 "$busybox" true 2>err || bad 'qcow2 with a data partition'
}

case $group in
packed) packed ;;
image) image ;;
overlay) overlay ;;
root) root ;;
*) exit 1 ;;
esac
finish
