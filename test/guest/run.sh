#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh KERNEL STATUS TEXT WORDS [QEMU OPTIONS...]: boots the kernel by PVH with WORDS as its command line. The machine
# must end with STATUS, and a line of the console must match TEXT (a basic regular expression).
set -u
kernel=$1 status=$2 text=$3 words=$4
shift 4
log=$(mktemp "${TMPDIR:-/tmp}/ouro-guest.XXXXXX") || exit 1
trap 'rm -f "$log"' EXIT
qemu=${OURO_QEMU:-qemu-system-x86_64}

timeout -k 5 $((${OURO_GUEST_TIMEOUT:-120} * ${SLOW:-1})) "$qemu" -nodefaults -no-user-config -display none -no-reboot \
    -accel "${OURO_GUEST_ACCEL:-tcg}" -cpu max -machine "${OURO_GUEST_MACHINE:-microvm,auto-kernel-cmdline=off}" -m "${OURO_GUEST_MEMORY:-64M}" \
    -chardev stdio,id=console,signal=off -serial chardev:console \
    -device isa-debug-exit,iobase=0xf4,iosize=0x04 \
    -kernel "$kernel" -append "console=ttyS0 exit=0xf4 $words" "$@" >"$log" 2>&1 </dev/null
got=$?
cat "$log"
# isa-debug-exit turns a written n into the exit status 2 n + 1.
if [ "$got" -ne $((status * 2 + 1)) ]; then
    echo "run.sh: QEMU ended with $got, not with $((status * 2 + 1))"
    exit 1
fi
if ! grep -q -e "$text" "$log"; then
    echo "run.sh: the console did not say: $text"
    exit 1
fi
