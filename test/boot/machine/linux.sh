# SPDX-License-Identifier: MIT
# Debian's cloud kernel in QEMU, for tests in which it judges what Ouro has written; sourced after lib.sh, in a folder of the test.
# shellcheck shell=sh

# linux_ready: skips the test where Debian's kernel cannot be had.
linux_ready() {
    linux=$top/build/bench/linux
    mkdir -p "$top/build/bench" || exit 1 # before the shell opens the lock in it
    (flock 9 && "$top/bench/linux.sh" "$linux") 9>"$top/build/bench/.lock" >fetch 2>&1 || { echo "skip: $(tail -n 1 fetch)"; exit 77; }
}

# linux_boot DISK SCRIPT [FILES...]: SCRIPT is /script, run by busybox's sh with the file DISK at /dev/vda; files are copied to /.
# Its output is the file `linux`; true if its status was 0. $LINUX_QEMU, if set: QEMU's program.
linux_boot() {
    linux_disk=$1
    rm -rf linux-root
    mkdir -p linux-root/bin linux-root/m linux-root/proc linux-root/sys linux-root/dev linux-root/tmp linux-root/data
    cp /bin/busybox linux-root/bin/busybox
    cp "$linux"/modules/*.ko linux-root/m/
    cp "$2" linux-root/script
    shift 2
    [ $# -eq 0 ] || cp "$@" linux-root/
    cat >linux-root/init <<'I'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for m in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do insmod /m/$m.ko; done
while [ ! -e /dev/vda ]; do usleep 10000; done
sh /script
echo "linux status $?"
poweroff -f
I
    chmod +x linux-root/init
    (cd linux-root && find . | cpio -o -H newc --quiet) >linux.cpio
    timeout $((120 * ${SLOW:-1})) "${LINUX_QEMU:-qemu-system-x86_64}" -machine pc -m 256 -nodefaults -no-reboot -display none -serial file:linux.raw \
        -kernel "$linux/vmlinuz" -initrd linux.cpio -append 'console=ttyS0 quiet panic=-1 rdinit=/init' \
        -drive "if=none,id=disk0,format=raw,file=$linux_disk" -device virtio-blk-pci,drive=disk0,disable-legacy=on </dev/null
    tr -d '\r' <linux.raw >linux.out
    grep -q '^linux status 0$' linux.out
}
