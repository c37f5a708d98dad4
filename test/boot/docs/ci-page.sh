#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the sh blocks of docs/ci.md one after the other, in one folder, each with `set -e`.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
mkdir bin
ln -s "$OURO" bin/ouro
PATH=$temp/bin:$PATH
export PATH

cat >server.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *config = getenv("SERVER_CONFIG");
    char line[100] = "greeting=none";
    FILE *file = config ? fopen(config, "r") : NULL;
    if (file && !fgets(line, sizeof line, file))
        return 1;
    if (strcmp(what, "--version") == 0)
        puts("server 1.0");
    else if (strcmp(what, "--self-test") == 0)
        printf("%s\nok\n", line);
    else if (strcmp(what, "--crash") == 0)
        *(volatile int *)8 = 0;
    else {
        puts("listening");
        fflush(stdout);
        for (;;)
            pause();
    }
    return 0;
}
C
musl-gcc -static -O2 -o server server.c || exit 1
echo 'server 1.0' >expected-version.txt

awk '/^```sh$/ { inside = 1; count++; next } /^```/ { inside = 0 } inside { print > ("block" sprintf("%02d", count)) }' "$top/docs/ci.md"
for block in block*; do
    sh -eu "$block" >out 2>err </dev/null || { bad "a block of docs/ci.md ended with $?"; show "$block"; show out; show err; }
    cat out err >>all
done
[ "$(find . -name 'block*' | wc -l)" -ge 8 ] || bad 'docs/ci.md has too few blocks'
grep -q '^the program failed with status 139$' all || bad 'the crash was not told by its status'
finish
