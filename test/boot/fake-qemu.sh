#!/bin/sh
# SPDX-License-Identifier: MIT
# Stands in for QEMU in tests of the tool (OURO_QEMU): its standard input and output are the serial port, $FAKE selects
# what it prints, and the files that it is given to boot are copied to the folder $FAKE_KEEP.
# shellcheck disable=SC2059 # formats, for their escapes
set -u
while [ $# -gt 1 ]; do
    case $1 in
    -initrd) cp -- "$2" "$FAKE_KEEP/root.cpio" ;;
    -append) printf '%s\n' "$2" >"$FAKE_KEEP/line" ;;
    esac
    shift
done
echo $$ >"$FAKE_KEEP/pid"
hello='\020\020\020OURO1\n'
case $FAKE in
order) # the two outputs take turns, and bytes that look like frames are escaped
    printf '\033[2Jfirmware\r\nGRUB\r\n\020\020'"$hello"'log\n'
    printf '\0201a\0202b\0201c\020\020d\0203e\n\0202f\n\0201g\000\377\n\020#mark main 1500000\n\020#exit 7\n'
    ;;
split) # one write for each byte
    printf "$hello"'\0201split\n\020#exit 0\n' | od -An -v -to1 -w1 | while read -r byte; do
        printf "\\$byte"
    done
    ;;
stop) printf 'noise\r\nouro: stop: the cat sat on it\r\n'; sleep 60 ;;
rescue) printf 'Welcome to GRUB!\r\n\r\ngrub rescue> '; sleep 60 ;;
vanish) printf "$hello"'\0201half a' ;;
die) printf 'SeaBIOS\r\nno disk here\r\n'; echo 'qemu: could not' >&2; exit 1 ;;
hang) printf "$hello"'\0201started\n'; sleep 60 ;;
late) printf "$hello"'\0201done\n\020#exit 3\n'; sleep 60 ;;
much) printf "$hello"'\0201'; seq 1 200000; printf '\020#exit 0\n' ;;
input) # prints the input escaped, up to the end of input
    printf "$hello"'\020!\0201'
    last=
    while byte=$(dd bs=1 count=1 2>/dev/null | od -An -tx1) && [ -n "$byte" ]; do
        printf '%s' "$byte"
        [ "$last$byte" != ' 10 2e' ] || break
        last=$byte
    done
    printf '\n\020#exit 0\n'
    ;;
esac
