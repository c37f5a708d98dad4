# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# OpenJDK's own tests over Debian's java: of files, channels, sockets, processes, threads and memory those that are one class with a
# main() without options or libraries, and that OpenJDK does not list as a problem. Debian's javac compiles them, in a chroot.
source=openjdk-17
packages="openjdk-17-jdk-headless bash coreutils netbase tzdata dash"
inside=(chroot)
[ "$(id -u)" = 0 ] || inside=(unshare -r chroot)
[ "$(id -u)" = 0 ] || unshare -r true 2> /dev/null || absent "no chroot for javac"
start=/tmp
memory=1G
native=1
minimum=80
sample=4
title="100 of OpenJDK's tests of java.io, lang, net, nio and util.concurrent, drawn by a fixed seed"
java=/usr/lib/jvm/java-17-openjdk-amd64

# shellcheck source=/dev/null
. "$here/upstream.sh"
fetch() { upstream '*/test/jdk/java' '*/test/jdk/sun/nio' '*/test/jdk/ProblemList.txt'; }

list() {
    (cd "$tree/test/jdk" && find java/io/{File,FileDescriptor,FileInputStream,FileOutputStream,RandomAccessFile,PipedInputStream,PipedOutputStream} \
        java/lang/{Process,ProcessBuilder,ProcessHandle,System,Thread,ThreadGroup,ThreadLocal,ref} java/net java/nio/{Buffer,MappedByteBuffer,channels,file} \
        java/util/{concurrent,zip,Timer,logging} sun/nio/ch -name '*.java' -exec awk '
            function end() { if (is_test && has_main && !other) print file }
            FNR == 1 { end(); file = substr(FILENAME, 1, length(FILENAME) - 5); is_test = has_main = other = runs = 0 }
            /@(library|modules|build|requires|compile|clean|enablePreview|key)|^package / || /@run/ && !/@run *main(\/timeout=[0-9]+)? +[A-Za-z0-9_]+ *$/ { other = 1 }
            /@run/ { other += runs++ }
            /@test/ { is_test = 1 }
            /static void main/ { has_main = 1 }
            END { end() }' {} +) | grep -vxF "$(sed -n 's/^\([a-z][^ ]*\)\.java .*/\1/p' "$tree/test/jdk/ProblemList.txt")" |
        LC_ALL=C sort -R --random-source=<(yes 20261130) | head -n 100 | sort
}

build() {
    local name names=("$@")
    [ "$1" != - ] || mapfile -t names < <(list)
    LD_LIBRARY_PATH=$java/lib "${inside[@]}" "$root" $java/bin/javac -version || return
    rm -rf "$root/suite" "$root"/usr/lib/jvm/*/{jmods,man}
    for name in "${names[@]}"; do
        mkdir -p "$root/suite/${name%/*}" "$root/suite/classes/$name"
        cp -a "$tree/test/jdk/${name%/*}"/. "$root/suite/${name%/*}"
        LD_LIBRARY_PATH=$java/lib "${inside[@]}" "$root" $java/bin/javac -nowarn -XDignore.symbol.file -d "/suite/classes/$name" -sourcepath "/suite/${name%/*}" "/suite/$name.java" || true
    done
}

words() {
    [ -e "$root/suite/classes/$1/${1##*/}.class" ] || return 0
    printf '240\t%s/bin/java\t-Dtest.src=/suite/%s\t-Dtest.classes=/suite/classes/%s\t-cp\t/suite/classes/%s:/suite/%s\t%s' $java "${1%/*}" "$1" "$1" "${1%/*}" "${1##*/}"
}
