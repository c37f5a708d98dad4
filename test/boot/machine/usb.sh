#!/bin/sh
# SPDX-License-Identifier: MIT
# usb.sh: `ouro usb` refuses disks of this computer and disks in use, and detects a disk that loses data.
# A folder ($OURO_SYSTEM_ROOT) stands in for /sys and /proc; a loop device is used where there is one.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
"$OURO" iso /bin/busybox echo hello -o image.iso || bad "iso ended with $?"
sectors=$(($(wc -c <image.iso) / 512))

# A good stick of 64 MiB; regular files have the device number 0:0.
fresh() {
    rm -rf sys
    mkdir -p sys/proc/self sys/sys/devices/pci0/usb1/1-1/block/sdx/sdx1 sys/sys/devices/pci0/usb1/1-1/block/sdx/device \
        sys/sys/dev/block
    disk=sys/sys/devices/pci0/usb1/1-1/block/sdx
    ln -s ../../devices/pci0/usb1/1-1/block/sdx sys/sys/dev/block/0:0
    echo 131072 >$disk/size
    echo 1 >$disk/removable
    echo 0 >$disk/ro
    echo 0:0 >$disk/dev
    echo 'ACME    ' >$disk/device/vendor
    printf 'Stick\033[2J 2000  \n' >$disk/device/model
    echo 131000 >$disk/sdx1/size
    echo 1 >$disk/sdx1/partition
    echo 8:1 >$disk/sdx1/dev
    echo '36 1 254:0 / / rw,relatime - ext4 /dev/root rw' >sys/proc/self/mountinfo
    echo 'Filename Type Size Used Priority' >sys/proc/swaps
    head -c 67108864 /dev/zero >stick
}

# usb STATUS REGEX ARGUMENTS...: runs `ouro usb`; checks the status and that a line of stderr matches.
usb() {
    wanted=$1 regex=$2
    shift 2
    OURO_SYSTEM_ROOT=$temp/sys timeout -s KILL $((100 * ${SLOW:-1})) "$OURO" usb "$@" >out 2>err </dev/null
    status=$?
    [ "$status" -eq "$wanted" ] || { bad "usb $*: status $status instead of $wanted"; show err; }
    grep -Eq -- "$regex" err || { bad "usb $*: no line with: $regex"; show err; }
}

# refused REGEX: the tool refuses, and the disk is unchanged.
refused() {
    usb 125 "stick is not written to: .*$1" --yes --image image.iso stick
    cmp -s stick /dev/zero || [ "$(cmp stick /dev/zero 2>&1 | grep -c EOF)" -eq 1 ] || bad "$1: written to"
}

fresh
usb 125 'nobody to ask' --image image.iso stick
cmp -n 67108864 stick /dev/zero || bad 'written without having asked'
usb 0 'stick was written and read back' --yes --image image.iso stick
grep -Fq 'stick: ACME Stick?[2J 2000, 64.0 MiB, USB, removable' err || { bad 'the disk is not shown'; show err; }
grep -Fq '/dev/sdx1, 64.0 MiB' err || { bad 'its partition is not shown'; show err; }
cmp -n "$(wc -c <image.iso)" stick image.iso || bad 'the stick differs from the image'

fresh; echo '40 36 8:1 / /media/me rw - vfat /dev/sdx1 rw' >>sys/proc/self/mountinfo; refused 'its partition /dev/sdx1 is mounted on /media/me'
fresh; echo '40 36 0:0 / /mnt rw - iso9660 /dev/sdx ro' >>sys/proc/self/mountinfo; refused 'it is mounted on /mnt'
fresh; mkdir -p $disk/sdx1/holders/dm-0; refused 'part of another disk'
fresh; echo 1 >$disk/ro; refused 'write-protected'
fresh; echo 0 >$disk/size; refused 'no medium'
fresh; echo 1 >$disk/partition; refused 'it is a partition'
for size in -1 0x100 99999999999999999999 '' 'many
lines'; do
    fresh; echo "$size" >$disk/size; refused 'no medium'
done
fresh; mv sys/sys/devices/pci0/usb1 sys/sys/devices/pci0/ata1; ln -sfn ../../devices/pci0/ata1/1-1/block/sdx sys/sys/dev/block/0:0
echo 0 >sys/sys/devices/pci0/ata1/1-1/block/sdx/removable; refused 'it is a disk of this computer'
fresh; rm sys/proc/self/mountinfo; usb 125 'cannot read .*mountinfo' --yes --image image.iso stick
fresh; rm -r sys/sys; usb 125 'does not tell what it is' --yes --image image.iso stick
fresh; echo 100 >$disk/size; usb 125 'too small' --yes --image image.iso stick
usb 125 'No such file' --yes --image image.iso nothere
usb 125 'needs the name of the disk'
usb 125 'not an image that ouro iso made' --yes --image /bin/busybox stick

# A disk that is unplugged during the write, a disk that loses data, and a disk that is shorter than it reports.
fresh
for number in 1:7 1:3 1:5; do
    ln -s ../../devices/pci0/usb1/1-1/block/sdx "sys/sys/dev/block/$number"
done
usb 125 'cannot be written to its end' --yes --image image.iso /dev/full
usb 125 'ends after 0 of' --yes --image image.iso /dev/null
usb 125 'does not keep what is written: byte [0-9]+ differs' --yes --image image.iso /dev/zero

unset OURO_SYSTEM_ROOT
"$OURO" usb --yes --image image.iso stick >out 2>err && bad 'a file is taken for a disk'
grep -q 'not a disk' err || { bad 'no word of a file that is no disk'; show err; }
root=$(findmnt -n -o SOURCE / 2>/dev/null)
if [ -b "$root" ]; then
    "$OURO" usb --yes --image image.iso "$root" >out 2>err && bad "the system's disk was taken"
    grep -q 'is not written to' err || { bad "no word of the system's disk"; show err; }
fi
if [ "$(id -u)" -eq 0 ] && [ -d /sys/block ] && loop=$(losetup -f --show stick 2>/dev/null); then
    timeout -s KILL $((100 * ${SLOW:-1})) "$OURO" usb --yes --image image.iso "$loop" >out 2>err || { bad "$loop: $?"; show err; }
    losetup -d "$loop"
    cmp -n $((sectors * 512)) stick image.iso || bad 'the loop device differs from the image'
fi
finish
