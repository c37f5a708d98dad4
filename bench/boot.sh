#!/bin/sh
# SPDX-License-Identifier: MIT
# bench/boot.sh [RUNS]: milliseconds from the start of QEMU to the first line of main, of the same static program in
# the same archive with the same QEMU options, under Ouro and under Debian's linux-image-cloud-amd64, in turn (A B A B).
# Prints the medians, their spread and the ratio; then the same for Ouro from an ISO, split into what firmware and GRUB take
# and what the kernel takes by its own clock. Needs what `./ouro run` needs, and cpio; Debian's kernel is fetched with
# apt-get download and unpacked below build/, without root.
set -eu
cd "$(dirname -- "$0")/.."
runs=${1-5}
work=build/bench
mkdir -p "$work/root"
musl-gcc -static -O2 -s -o "$work/root/init" bench/hello.c
(cd "$work/root" && echo init | cpio -o -H newc --quiet) >"$work/root.cpio"
[ -f build/kernel/ouro.elf ] || { echo "bench/boot.sh: no kernel yet; ./ouro run builds it" >&2; exit 1; }

linux=$(find "$work/linux/boot" -name 'vmlinuz-*' 2>/dev/null | head -n 1)
if [ -z "$linux" ]; then
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    [ -n "$package" ] || { echo "bench/boot.sh: apt knows no linux-image-cloud-amd64; apt-get update?" >&2; exit 1; }
    (cd "$work" && apt-get download -q "$package" >&2 && dpkg -x linux-image-*.deb linux && rm -f linux-image-*.deb)
    linux=$(find "$work/linux/boot" -name 'vmlinuz-*' | head -n 1)
fi

# milliseconds MARK QEMU_OPTIONS...: until MARK is on the serial line
milliseconds() {
    mark=$1
    shift
    start=$(date +%s%N)
    qemu-system-x86_64 -accel tcg -cpu max -m 256 -display none -no-reboot -monitor none -nic none -serial stdio \
        "$@" </dev/null 2>/dev/null |
        { grep -q -m 1 "$mark" && echo $((($(date +%s%N) - start) / 1000000)); cat >/dev/null; }
}

# summary NAME FILE: the median into the file's name.median
summary() {
    sort -n "$2" | awk -v name="$1" -v out="$2.median" '
        { v[NR] = $1 }
        END { if (NR == 0) exit 1
              m = v[int((NR + 1) / 2)]; print m > out
              printf "%-22s median %5d ms   min %5d   max %5d   (%d runs)\n", name, m, v[1], v[NR], NR }'
}

./ouro iso "$work/root/init" -o "$work/hello.iso" --append loglevel=6
: >"$work/ouro.ms"
: >"$work/linux.ms"
: >"$work/iso.ms"
: >"$work/entry.ms"
i=0
while [ "$i" -lt "$runs" ]; do
    milliseconds 'HELLO MAIN' -kernel build/kernel/ouro.elf -initrd "$work/root.cpio" \
        -append "console=ttyS0 init=/init" >>"$work/ouro.ms"
    milliseconds 'HELLO MAIN' -kernel "$linux" -initrd "$work/root.cpio" \
        -append "console=ttyS0 quiet panic=-1 rdinit=/init" >>"$work/linux.ms"
    milliseconds 'HELLO MAIN' -cdrom "$work/hello.iso" >>"$work/iso.ms"
    milliseconds 'boot: loader=' -cdrom "$work/hello.iso" >>"$work/entry.ms" # the log's first line
    i=$((i + 1))
done
summary "Ouro, -kernel" "$work/ouro.ms"
summary "Linux, -kernel" "$work/linux.ms"
awk -v a="$(cat "$work/linux.ms.median")" -v b="$(cat "$work/ouro.ms.median")" \
    'BEGIN { printf "%-22s %.1f : 1\n", "Linux / Ouro", a / b }'
summary "Ouro, BIOS ISO" "$work/iso.ms"
summary "  until kernel's log" "$work/entry.ms"
awk -v a="$(cat "$work/iso.ms.median")" -v b="$(cat "$work/ouro.ms.median")" \
    'BEGIN { printf "%-22s %d ms: what GRUB and reading the ISO add to -kernel\n", "  GRUB", a - b }'
