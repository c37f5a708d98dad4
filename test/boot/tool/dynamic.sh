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
    seen=$("$OURO" run --machine microvm --timeout $((60 * ${SLOW:-1})) "$@" 2>errors)
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

gcc -O1 -I "$top/test/programs" -o context "$top/test/programs/process/context.c" || exit 1
same 0 'registers of another process = 0' ./context beside
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
same 0 './script a b' ./script a b
mkdir -p deeper && cp script deeper/
same 0 'deeper/script a' deeper/script a
same 0 "$temp/script " "$temp/script"
(cd deeper && same 0 '../script ' ../script)
same 0 '/script ' --workdir /tmp ./script
same 0 './script ' --init ./script
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
# Where the program starts, and what it is told: as docker run has the options.
printf '# a comment\n\nA=b c\nHOME=/x\nNOT_SET_HERE\nPASSED\n' >variables
cat >where.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>
int main(void)
{
    char folder[100], line[200] = "";
    struct utsname name;
    FILE *hosts = fopen("/etc/hosts", "r");
    uname(&name);
    while (fgets(line, sizeof(line), hosts)) {
    }
    printf("%s %s %s %s %s %d %s", getcwd(folder, sizeof(folder)), name.nodename, getenv("A"), getenv("HOME"), getenv("PASSED"),
           getenv("NOT_SET_HERE") != NULL, line);
    return 0;
}
C
PASSED=on same 0 '/new/folder web.1 b c /y on 0 127.0.1.1 web.1' --env-file variables -e HOME=/y -w /new//folder --hostname web.1 where.c
same 0 'none' --workdir /usr ./sysroot/opt/bin/show ../nothere
refuses 125 '/etc/passwd in the root folder is not a folder' -w /etc/passwd where.c
OURO_QEMU='' "$OURO" run --machine microvm --append cwd=/nothere where.c >seen 2>errors && bad 'a folder that is not there'
grep -qx "ouro: the program's folder /nothere is not there" errors || { bad 'no word of the folder'; show errors; }

# C++ is compiled, too.
if command -v g++ >/dev/null; then
    printf '#include <iostream>\nint main() { std::cout << "c" << 2 + 2 << std::endl; return 4; }\n' >plus.cpp
    same 4 c4 plus.cpp
fi
# The files of a Debian package with those of what it depends on; and a .deb that is not installed.
if command -v dpkg-deb >/dev/null && [ -x /usr/bin/file ]; then
    same 0 '/bin/busybox: ELF' --with package:file --with /bin/busybox /bin/busybox sh -c 'file /bin/busybox | cut -c 1-17'
fi
refuses 127 '--with package:nosuch: the package is not installed here' --with package:nosuch ./plug
if command -v dpkg-deb >/dev/null; then
    mkdir -p deb/DEBIAN deb/usr/bin deb/lib/extra deb/usr/share/doc/own
    printf 'Package: own\nVersion: 1\nArchitecture: amd64\nMaintainer: x <x@example.org>\nDescription: own\n' >deb/DEBIAN/control
    cp sysroot/opt/bin/show deb/usr/bin/own
    echo packed >deb/lib/extra/text
    dpkg-deb --root-owner-group -b deb own.deb >/dev/null || bad 'dpkg-deb'
    same 0 packed --with package:own.deb /usr/bin/own /usr/lib/extra/text
    refuses 125 'cannot read nothere.deb' --with package:nothere.deb ./plug
    printf text >broken.deb
    OURO_QEMU=/bin/false "$OURO" run --with package:broken.deb ./plug >seen 2>errors && bad 'a broken .deb'
    grep -qx 'ouro: dpkg-deb cannot unpack broken.deb' errors || { bad 'no word of the broken .deb'; show errors; }
fi
finish
