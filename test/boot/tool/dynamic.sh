#!/bin/sh
# SPDX-License-Identifier: MIT
# The libraries of a dynamic program are found by the rules of ld.so and packed; a missing one is named before the boot.
# $ORIGIN is for ld.so, and $0 for the script that is written.
# shellcheck disable=SC2016
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1

# same STATUS TEXT ARGS...: the program prints TEXT in the machine and ends with STATUS.
same() {
    status=$1 text=$2
    shift 2
    seen=$("$OURO" run --machine microvm --timeout 60 "$@" 2>errors)
    got=$?
    [ "$got" -eq "$status" ] || { bad "status $got, not $status: run $*"; show errors; }
    [ "$seen" = "$text" ] || { bad "run $* printed '$seen', not '$text'"; show errors; }
}

# refuses STATUS SENTENCE ARGS...: the tool prints the sentence and boots nothing.
refuses() {
    status=$1 sentence=$2
    shift 2
    OURO_QEMU=/bin/false "$OURO" run --machine microvm "$@" >seen 2>errors
    got=$?
    [ "$got" -eq "$status" ] || bad "status $got, not $status: run $*"
    [ "$(wc -l <errors)" -eq 1 ] || { bad "not one line: run $*"; show errors; }
    grep -qF -- "$sentence" errors || { bad "no '$sentence': run $*"; show errors; }
}

echo 'int third(void) { return 30; }' >third.c
echo 'int third(void); int second(void) { return third() + 2; }' >second.c
echo 'int third(void) { return 50; }' >other.c
cat >main.c <<'C'
#include <stdio.h>
int second(void);
int main(void) { printf("%d\n", second()); return 3; }
C
mkdir -p lib deep root/opt
gcc -shared -fPIC -o deep/libthird.so third.c || exit 1
gcc -shared -fPIC -o lib/libsecond.so second.c -Ldeep -lthird '-Wl,--enable-new-dtags,-rpath,${ORIGIN}/../deep' || exit 1
# DT_RUNPATH of the program is not searched for the dependencies of its libraries (ld.so(8)).
gcc -o runpath main.c -Llib -lsecond '-Wl,--enable-new-dtags,-rpath,$ORIGIN/lib' -Wl,-rpath-link,deep || exit 1
same 3 32 ./runpath
gcc -shared -fPIC -o lib/libplain.so second.c -Ldeep -lthird || exit 1
gcc -o inherit main.c -Llib -lplain '-Wl,--disable-new-dtags,-rpath,$ORIGIN/lib:$ORIGIN/deep' -Wl,-rpath-link,deep || exit 1
same 3 32 ./inherit
gcc -o missing main.c -Llib -lplain '-Wl,--enable-new-dtags,-rpath,$ORIGIN/lib' -Wl,-rpath-link,deep || exit 1
refuses 126 'missing needs the library libthird.so (asked for by /lib/libplain.so)' ./missing
# The library is in a default folder of --root, which has precedence over this computer's folders.
mkdir -p root/usr/lib
gcc -shared -fPIC -o root/usr/lib/libthird.so other.c || exit 1
same 3 52 --root root ./missing
# A library of another architecture is skipped, as ld.so does.
mkdir -p wrong
head -c 4096 /dev/zero >wrong/libthird.so
gcc -o passed main.c -Llib -lplain '-Wl,--disable-new-dtags,-rpath,$ORIGIN/lib:$ORIGIN/wrong:$ORIGIN/deep' -Wl,-rpath-link,deep || exit 1
same 3 32 ./passed
# The libraries of a plug-in, which dlopen(3) loads, are packed with it.
cat >plug.c <<'C'
#include <dlfcn.h>
#include <stdio.h>
int main(void)
{
    void *plugin = dlopen("/lib/libsecond.so", RTLD_NOW);
    int (*second)(void) = plugin ? (int (*)(void))dlsym(plugin, "second") : NULL;
    printf("%d\n", second ? second() : -1);
    return 0;
}
C
gcc -o plug plug.c || exit 1
same 0 32 --with lib/libsecond.so ./plug
same 0 -1 ./plug
refuses 127 '--with nowhere' --with nowhere ./plug
# --sysroot: absolute paths, and the absolute links there, name files of that folder; nothing else of this computer is
# packed. A relative path is this computer's still.
mkdir -p sysroot/opt/bin sysroot/lib64 sysroot/data
ln -s /data sysroot/link
echo inside >sysroot/data/text
loader=$(readlink -f /lib64/ld-linux-x86-64.so.2) libc=$(readlink -f /lib/x86_64-linux-gnu/libc.so.6)
cp "$loader" sysroot/lib64/ld-linux-x86-64.so.2
mkdir -p sysroot/lib/x86_64-linux-gnu
cp "$libc" sysroot/lib/x86_64-linux-gnu/libc.so.6
cat >show.c <<'C'
#include <stdio.h>
int main(int argc, char **argv)
{
    char line[80] = "none";
    FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (file && !fgets(line, sizeof(line), file))
        return 1;
    printf("%.6s\n", line);
    return 0;
}
C
gcc -o sysroot/opt/bin/show show.c || exit 1
same 0 inside --sysroot sysroot --with /link/text /opt/bin/show /data/text
same 0 inside --sysroot sysroot --with /link --env PATH=/opt/bin show /link/text
same 0 none --sysroot sysroot /opt/bin/show "$temp/main.c"
same 0 inside --sysroot sysroot --with /data ./sysroot/opt/bin/show /data/text
refuses 127 '/bin/true: No such file' --sysroot sysroot /bin/true
refuses 127 '--with /etc/passwd: No such file' --sysroot sysroot --with /etc/passwd /opt/bin/show
refuses 125 'cannot read the folder nowhere of --sysroot' --sysroot nowhere /opt/bin/show
refuses 125 'main.c of --sysroot is not a folder' --sysroot main.c /opt/bin/show
mv sysroot/lib/x86_64-linux-gnu/libc.so.6 sysroot/data
refuses 126 'show needs the library libc.so.6' --sysroot sysroot /opt/bin/show
# A program of another C library (musl).
cat >hello.c <<'C'
#include <stdio.h>
int main(void) { puts("hello"); return 0; }
C
musl-gcc -o musl hello.c || exit 1
same 0 hello ./musl

# Scripts and their interpreters.
printf '#! /bin/sh\necho "$0 $*"\n' >script
chmod +x script
same 0 '/script a b' ./script a b
printf '#!/usr/bin/env -S dash -e\necho $-\nfalse\necho no\n' >through-env
chmod +x through-env
same 1 e ./through-env
printf '#!/usr/bin/env no-such-command\n' >nobody
printf '#!/no/interpreter -x\n' >nowhere-to
printf '#!/loop\n' >loop
printf '#!\n' >blank
chmod +x nobody nowhere-to loop blank
refuses 126 'no-such-command, which is not in the machine' ./nobody
refuses 126 'is a script for /no/interpreter, which is not there' ./nowhere-to
refuses 126 'scripts that name each other' ./loop
refuses 126 'names no interpreter' ./blank

# Malformed files: every byte of the dynamic section and its strings is changed in turn.
for at in $(od -A d -t x1 -v -w1 runpath | awk '$2 == "6c" { print $1 + 0 }' | head -n 40); do
    cp runpath spoiled
    printf '\377' | dd of=spoiled bs=1 seek="$at" conv=notrunc 2>/dev/null
    OURO_QEMU=/bin/false "$OURO" run --machine microvm ./spoiled >seen 2>errors
    case $? in
    125 | 126) ;;
    *) bad "spoiled at $at: status $?"; show errors ;;
    esac
done
finish
