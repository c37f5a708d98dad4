#!/bin/sh
# SPDX-License-Identifier: MIT
# isatty() and the window size in the machine are those of the tool's terminal, which script(1) makes.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
cat >tty.c <<'C'
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
int main(void)
{
    struct winsize size = {0};
    for (int fd = 0; fd <= 2; fd++)
        fprintf(stderr, "%d%s", isatty(fd), fd == 2 ? " " : "");
    for (int fd = 2; fd >= 0; fd--)
        if (isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0)
            fprintf(stderr, "%dx%d ", size.ws_col, size.ws_row);
    fprintf(stderr, "\n");
    return 5;
}
C
musl-gcc -static -O2 -o tty tty.c || exit 1

# on_terminal REDIRECTIONS: runs on Linux and in Ouro, with a terminal for each stream that is not redirected.
on_terminal() {
    for how in ./tty "$OURO run --machine microvm --timeout $((60 * ${SLOW:-1})) ./tty"; do
        script -qec "stty cols 91 rows 17; $how $1" /dev/null </dev/null >seen 2>&1
        echo "$?" >>seen
        # script types a NUL when its own input ends and the terminal is raw: its echo is not output of the program.
        cat seen extra 2>/dev/null | tr -d '\r' | sed 's/\^@//' | grep -v '^\[ *[0-9]*\.[0-9]*\] '
        rm -f extra
        [ "$how" != ./tty ] || echo --
    done >both
    sed '/^--$/,$d' both >linux
    sed '1,/^--$/d' both >ouro
    cmp -s linux ouro || { bad "terminal with '$1' differs"; show both; }
    grep -q '^5$' linux || bad "script did not run the program"
}

on_terminal ''
on_terminal '>/dev/null'
on_terminal '</dev/null'
on_terminal '2>extra'
on_terminal '>/dev/null 2>extra </dev/null'

# Typed text and the end of input reach the program. The host's terminal echoes.
(sleep 2; printf 'typed\n\004') | script -qec "$OURO run --machine microvm --timeout $((60 * ${SLOW:-1})) /bin/busybox cat" /dev/null >seen 2>&1
[ "$(tr -d '\r' <seen | grep -c typed)" -eq 2 ] || { bad 'what was typed did not arrive'; show seen; }
# TERM and LANG are the terminal's.
LANG=C.UTF-8 TERM=xterm-256color script -qec "$OURO run --machine microvm --timeout $((60 * ${SLOW:-1})) /bin/busybox env" /dev/null </dev/null >seen 2>&1
tr -d '\r' <seen | grep -Ec '^(LANG=C.UTF-8|TERM=xterm-256color)$' | grep -qx 2 || { bad 'TERM and LANG are others'; show seen; }
# Ctrl-C ends the run.
(sleep 2; printf '\003') | script -qec "$OURO run --machine microvm --timeout $((60 * ${SLOW:-1})) /bin/busybox cat" /dev/null >seen 2>&1
[ $? -eq 130 ] || bad "Ctrl-C: status is not 130"
finish
