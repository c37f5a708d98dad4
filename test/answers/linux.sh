#!/bin/sh
# SPDX-License-Identifier: MIT
# linux.sh FOLDER PROGRAM [OUTPUT [FAMILY...]]: the answers of Debian's cloud kernel (bench/linux.sh FOLDER fetches it), which boots in QEMU
# with PROGRAM, the answers program, as /init. OUTPUT: test/answers/linux.txt, which is committed.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
folder=$1 program=$2 output=${3-$here/linux.txt}
[ $# -le 3 ] || shift 3
if [ "${1-$folder}" = "$folder" ]; then
    set --
fi
"$here/../../bench/linux.sh" "$folder"
temp=$(mktemp -d "${TMPDIR:-/tmp}/ouro-answers.XXXXXX")
trap 'rm -rf "$temp"' EXIT
mkdir "$temp/root"
cp "$program" "$temp/root/init"
(cd "$temp/root" && echo init | cpio -o -H newc 2>/dev/null) >"$temp/root.cpio"
timeout $((3000 * ${SLOW:-1})) qemu-system-x86_64 -machine q35 -cpu qemu64,+rdrand -m 256 -nodefaults -no-reboot -display none -serial "file:$temp/out" \
    -kernel "$folder/vmlinuz" -initrd "$temp/root.cpio" \
    -append "console=ttyS0 quiet loglevel=0 panic=-1 rdinit=/init sysctl.debug.exception-trace=0 -- $*" </dev/null
tr -d '\r' <"$temp/out" | sed -n '/^\[/,$p' >"$temp/text"
if [ "$(tail -n 1 "$temp/text")" != "status 0" ]; then
    cp "$temp/text" "$output.bad"
    tail -n 5 "$temp/text"
    echo "$output.bad: the answers did not end well" >&2
    exit 1
fi
{
    echo "# Answers of Linux $(basename "$(readlink "$folder/vmlinuz")" | sed 's/vmlinuz-//'), made by test/answers/linux.sh"
    sed '$d' "$temp/text"
} >"$output"
