#!/bin/sh
# SPDX-License-Identifier: MIT
# bad.sh GROUP: bad input ends with a message of one sentence and the documented status, and never with a hang. GROUP
# is `words` (no machine is booted), `boots` (a machine is booted), `modules` or `screen`.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
group=$1
kernel=${KERNEL:-$top/build/kernel/ouro.elf}
busybox=/bin/busybox

# expect STATUS REGEX ARGUMENTS...: runs the tool. stdout stays empty; a line of stderr matches, which has at most
# three lines.
expect() {
    wanted=$1 regex=$2
    shift 2
    timeout $((170 * ${SLOW:-1})) "$OURO" "$@" >out 2>err </dev/null
    status=$?
    [ "$status" -eq "$wanted" ] || bad "$*: status $status instead of $wanted"
    grep -Eq -- "$regex" err || { bad "$*: no line with: $regex"; show err; }
    [ ! -s out ] || { bad "$*: wrote to stdout"; show out; }
    [ "$(wc -l <err)" -le 3 ] || { bad "$*: says too much"; show err; }
}

# boot REGEX OPTIONS...: boots; the status is 125 and stderr matches.
boot() {
    regex=$1
    shift
    expect 125 "$regex" run --timeout $((100 * ${SLOW:-1})) "$@"
}

# poke FILE OFFSET TEXT: overwrites bytes of the file.
poke() {
    printf '%s' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# Offset of a sector of the image FILE that starts with TEXT: a file's start, not a copy of TEXT within another file.
sector_of() {
    LC_ALL=C grep -abo -- "$2" "$1" | cut -d: -f1 | while read -r at; do
        [ $((at % 2048)) -ne 0 ] || { echo "$at"; break; }
    done
}

words() {
    expect 127 '\./nothere: No such file' run ./nothere
    expect 127 'nosuchprogram: No such file' run nosuchprogram
    expect 127 'name of the program is empty' run ''
    expect 126 'is a folder' run .
    printf 'hello\n' >text
    expect 126 'text: Permission denied: it is not executable .chmod [+]x \./text.$' run ./text
    chmod +x text
    expect 126 'not an ELF file, and a script begins with a line like #!/bin/sh$' run ./text
    printf 'no \0 text' >binary
    chmod +x binary
    expect 126 'binary cannot be run: .*ELF.* [(]at offset' run ./binary
    : >empty
    chmod +x empty
    expect 126 'is empty' run ./empty
    printf '#!/no/shell -e\n' >script
    chmod +x script
    expect 126 'is a script for /no/shell, which is not there' run ./script
    head -c 5000 "$busybox" >short
    chmod +x short
    expect 126 'truncated' run ./short
    cp "$busybox" arm
    poke arm 18 "$(printf '\267')" # e_machine, low byte: AArch64
    expect 126 'another machine' run ./arm
    cp "$busybox" lying
    poke lying 56 "$(printf '\377\177')" # e_phnum
    expect 126 'program headers' run ./lying
    echo 'int main(void) { return 0; }' >dynamic.c
    gcc -o dynamic dynamic.c -Wl,--dynamic-linker,/lib64/no-such.so
    expect 126 'dynamically linked and needs /lib64/no-such.so, which is not there' run ./dynamic
    mkdir root
    truncate -s 40M root/big
    expect 125 'needs at least [0-9.]+ MiB of memory, the machine has 16' run -m 16M --medium usb --root root "$busybox"
    # An archive that fits in the file but not in memory is refused with a message, and the boot does not hang.
    expect 125 'needs at least [0-9.]+ MiB of memory, the machine has 1.75' run -m 1792K --medium direct \
        --machine microvm "$busybox"
    expect 125 'needs at least [0-9.]+ MiB of memory, the machine has 2' run -m 2M --medium direct dynamic.c
    expect 125 'cannot read the root folder ./nowhere' run --root ./nowhere "$busybox"
    expect 125 '^ouro: --frobnicate is no option of ouro run; ouro run --help lists them$' run --frobnicate "$busybox"
    # What others call it, and what is spelled nearly so; what follows PROGRAM is the program's.
    expect 125 '^ouro: --rm is no option of ouro run: nothing is left behind anyway$' run -v --rm "$busybox"
    expect 125 '^ouro: -it is no option of ouro run: a terminal is the program' run -it "$busybox"
    expect 125 '^ouro: --publish is no option of ouro run: -p ' run --publish=80:80 "$busybox"
    expect 125 '^ouro: --memroy is no option of ouro run: did you mean --memory[?]$' run --memroy 5M "$busybox"
    expect 125 '^ouro: --outptu is no option of ouro iso: did you mean --output[?]$' iso --outptu x "$busybox"
    expect 127 'nothere: No such file' run --mem 64MiB ./nothere --rm
    cp "$busybox" locked && chmod -x locked && echo echo >unnamed && chmod +x unnamed
    expect 126 'locked: Permission denied: it is not executable \(chmod [+]x ./locked\)$' run ./locked
    expect 126 'it is not an ELF file, and a script begins with a line like #!/bin/sh$' run ./unnamed
    expect 125 'o x.qcow2: ouro iso writes an ISO image; ouro image writes this kind of file$' iso "$busybox" -o x.qcow2
    expect 127 'nothere: No such file' run -m 64Mi ./nothere
    expect 127 'nothere: No such file' run -m 2150K ./nothere
    expect 125 'memory 64Q: not a size: a number and K, M, G or T, which are powers of 1024, from 1M to 1T$' run -m 64Q "$busybox"
    expect 125 '--workdir etc: not a path that begins with /' run -w etc "$busybox"
    expect 125 '--hostname -x: not a name of letters' run --hostname=-x "$busybox"
    expect 125 'cannot read nothere: No such file' run --env-file nothere "$busybox"
    printf '=x\n' >variables
    expect 125 '--env-file =x: a variable needs a name' run --env-file variables "$busybox"
    expect 125 'not a size' run -m lots "$busybox"
    expect 125 'the choice is between' run --medium floppy "$busybox"
    expect 125 'microvm boots with --medium direct only' run --machine microvm --medium cd "$busybox"
    expect 125 'unknown command frobnicate' frobnicate
    expect 125 'needs the name of the image' iso "$busybox"
    expect 125 '-o x.jpg: the picture is a PNG file: -o FILE.png' screenshot "$busybox" -o x.jpg
    # What is read is not written.
    cp "$busybox" same && ln same link
    expect 125 'same would be overwritten' iso ./same -o link
    expect 125 'same would be overwritten' run --report link ./same
    cmp "$busybox" same || bad 'the program was overwritten'
    # A device that has no room stays where it is.
    if mknod full c 1 7 2>/dev/null && [ "$(echo x 2>/dev/null >full && echo written)" = '' ]; then
        expect 125 'cannot copy .* to full: No space left on device' iso "$busybox" -o full
        [ -c full ] || bad 'the device was removed'
    fi
    expect 125 'not an image that ouro iso made' run --image "$busybox"
    expect 125 'too long' run --medium direct "$busybox" "$(head -c 20000 /dev/zero | tr '\0' x)"
}

boots() {
    boot 'unknown kernel word: frobnicate' --machine microvm --append frobnicate=1 "$busybox"
    for way in '--machine microvm' '--medium direct' '--medium cd'; do
        # shellcheck disable=SC2086 # options
        boot 'stop: .*long mode' $way --qemu-arg -cpu --qemu-arg pentium3 "$busybox"
    done
    # The magic numbers of both boot protocols are changed, so that the kernel recognizes neither loader.
    LC_ALL=C sed 's/\x89\x62\xd7\x36/\x89\x62\xd7\x37/g; s/\x78\xc5\x6e\x33/\x78\xc5\x6e\x34/g' "$kernel" >unknown.elf
    boot 'stop: .*neither Multiboot2 nor PVH' --machine microvm --kernel unknown.elf "$busybox"
    boot 'stop: .*neither Multiboot2 nor PVH' --kernel unknown.elf "$busybox"
    boot 'memory|ended before the kernel started' --machine microvm --qemu-arg -m --qemu-arg 1280K "$here/../probe.c"

    # What the program prints has no room.
    timeout $((60 * ${SLOW:-1})) "$OURO" run --medium direct --machine microvm "$busybox" echo hi >/dev/full 2>err </dev/null
    status=$?
    { [ "$status" -eq 125 ] && grep -q "^ouro: cannot write the program's output: No space left on device$" err; } ||
        { bad "output to a full disk: status $status"; show err; }

    "$OURO" iso "$busybox" echo never -o good.iso || bad "iso ended with $?"
    cp good.iso archive.iso
    poke archive.iso "$(sector_of good.iso 070701)" XXXXXX
    boot 'archive' --image archive.iso
    cp good.iso kernel.iso
    poke kernel.iso "$(sector_of good.iso "$(printf '\177ELF.\{12\}\002')")" XXXX # executable: GRUB's modules are not
    boot 'stop: the boot loader could not load the kernel' --image kernel.iso
    cp good.iso loader.iso
    dd if=/dev/zero of=loader.iso bs=2048 seek=17 count=1 conv=notrunc 2>/dev/null # boot catalogue's address
    boot 'ended before the kernel started|found nothing to boot' --image loader.iso
    size=$(wc -c <good.iso)
    head -c $((size / 2)) good.iso >half.iso
    boot 'half.iso is truncated' --image half.iso

    # No root archive: the tool always passes one, so QEMU is started directly.
    timeout $((60 * ${SLOW:-1})) qemu-system-x86_64 -machine microvm,auto-kernel-cmdline=off -cpu max -m 64M -nodefaults -display none \
        -no-reboot -serial stdio -device isa-debug-exit,iobase=0xf4,iosize=4 -kernel "$kernel" \
        -append 'console=framed exit=0xf4' </dev/null >out 2>err
    grep -aq 'archive' out || { bad "no module: no sentence"; show out; }

    cat >absent.c <<'C'
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
int main(void)
{
    for (int i = 0; i < 3; i++) {
        long result = syscall(411);
        printf("%ld %d\n", result, errno);
    }
}
C
    "$OURO" run --machine microvm --timeout $((100 * ${SLOW:-1})) absent.c >out 2>err </dev/null || bad "absent.c ended with $?"
    [ "$(grep -c '^-1 38$' out)" -eq 3 ] || { bad "an absent call is not ENOSYS"; show out; }
    [ "$(grep -c 'system call 411' err)" -eq 1 ] || { bad "an absent call is not named once"; show err; }
}

# module FIELD VALUE REGEX: the loader hands over a root archive whose entry (PVH's start_info) gdb has changed: FIELD + 0
# is its address, + 8 its size.
module() {
    rm -f gdb.socket
    timeout $((60 * ${SLOW:-1})) qemu-system-x86_64 -machine microvm,auto-kernel-cmdline=off -cpu max -m 64M -nodefaults -display none \
        -no-reboot -serial stdio -kernel "$kernel" -initrd archive -append console=framed -S \
        -gdb unix:gdb.socket,server=on,wait=off </dev/null >out 2>err &
    machine=$!
    until [ -S gdb.socket ]; do sleep 0.1; done
    # ebx is the address of the start_info, which holds the address of the modules at 16.
    gdb -batch -ex 'target remote gdb.socket' -ex 'hbreak *(long)&pvh_entry' -ex continue -ex delete \
        -ex "set var *(unsigned long *)(*(unsigned long *)(\$rbx + 16) + $1) = $2" -ex detach \
        "${kernel%.elf}.debug.elf" >gdb.out 2>&1 </dev/null
    for _ in $(seq 100); do
        ! grep -aq 'ended with status' out || break
        sleep 0.2
    done
    kill "$machine"
    wait "$machine"
    grep -Eaq -- "stop: $3" out || { bad "module + $1 = $2: no line with: $3"; show out; show gdb.out; }
    [ "$(grep -ac . out)" -le 2 ] || { bad "module + $1 = $2: says too much"; show out; }
}

modules() {
    head -c 100000 /dev/zero >archive
    module 0 '1UL << 50' "the boot loader's root archive ends at 0x40000000186a0, and the memory at 0x(4000000|3fff000)"
    module 8 '0x10000000' "the boot loader's root archive ends at 0x[0-9a-f]*, and the memory at 0x(4000000|3fff000)"
    module 0 '-1UL' 'what the boot loader handed over cannot be read: .* at offset [0-9]+'
    module 0 '0x100000' 'too little memory: the boot loader laid the root archive over the kernel'
}

# The stub's message is on the screen, too: the text memory is read through QEMU's monitor.
screen() {
    (
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            sleep 1
            echo "pmemsave 0xb8000 4000 \"$temp/screen\""
            ! grep -aq 's.t.o.p.:' screen 2>/dev/null || break
        done
        sleep 1
        echo quit
    ) | timeout $((60 * ${SLOW:-1})) qemu-system-x86_64 -machine pc -cpu pentium3 -m 64M -nodefaults -vga std -display none \
        -serial null -monitor stdio -kernel "$kernel" >/dev/null 2>&1
    # Each cell has two bytes: character and attribute.
    od -An -v -tx1 -w2 screen | while read -r character _; do
        # shellcheck disable=SC2059 # the format is the byte
        printf "\\$(printf %o "0x$character")"
    done >text.screen
    tr -s '\0 ' ' ' <text.screen | grep -aq 'ouro: stop: .*long mode' || { bad "not on the screen"; show text.screen; }
}

case $group in
words) words ;;
boots) boots ;;
modules) modules ;;
screen) screen ;;
*) bad "no such group: $group" ;;
esac
finish
