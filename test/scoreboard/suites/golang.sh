# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# The tests of Go's standard packages next to the kernel, built on this computer by Debian's Go; the machine has no Go, so what
# would compile is skipped by the tests. A case is PACKAGE:TEST.
packages="bash coreutils hostname netbase tzdata media-types iproute2 libcap2-bin dash"
tools="gcc"
start=/suite
memory=1G
minimum=430
sample=0
title="500 tests, drawn by a fixed seed, of os, os/exec, os/signal, os/user, net, net/http, syscall, runtime, sync, time, io/fs, internal/poll and kin"
parts="os os/exec os/signal os/user net net/http syscall runtime sync sync/atomic time io io/fs io/ioutil bufio internal/poll path/filepath runtime/debug runtime/pprof context"

compile() {
    local go=$folder/go/usr/lib/go-1.19 part
    [ ! -e "$folder/names" ] || return 0
    OURO_APT=$scoreboard/.apt-binary "$here/../packages/root.sh" "$folder/go" golang-1.19-go golang-1.19-src
    rm -rf "$folder/goroot"
    cp -a "$go" "$folder/goroot"
    rm -f "$folder"/goroot/{src,misc,test,api,pkg/tool}
    cp -aL "$folder/go/usr/share/go-1.19"/{src,misc,test} "$folder/goroot/" 2> /dev/null || true
    rm -f "$folder/goroot/pkg/include"
    cp -aL "$folder/go/usr/share/go-1.19/pkg/include" "$folder/goroot/pkg"
    mkdir -p "$folder/programs"
    for part in $parts; do
        GOROOT=$folder/goroot GOCACHE=$folder/cache GOFLAGS=-p=2 GOTOOLCHAIN=local "$folder/goroot/bin/go" test -c -o "$folder/programs/${part//\//_}" "$part" || true
    done
    for part in $parts; do
        (cd "$folder/goroot/src/$part" && "$folder/programs/${part//\//_}" -test.list '^(Test|Example)' | grep -E '^(Test|Example)' | sed "s,^,$part:,")
    done | sort > "$folder/names.part"
    mv "$folder/names.part" "$folder/names"
}

list() {
    compile > /dev/null
    shuf -n 500 --random-source=<(yes 20261130) "$folder/names" | sort
}

build() {
    compile
    local part
    rm -rf "$root/suite"
    install "$folder/goroot/src/testdata" suite/src
    for part in $parts; do
        mkdir -p "$root/suite/src/$part"
        (cd "$folder/goroot/src/$part" && find . -maxdepth 1 -type f -exec cp -t "$root/suite/src/$part" {} + && { [ ! -d testdata ] || cp -a testdata "$root/suite/src/$part"; })
        cp "$folder/programs/${part//\//_}" "$root/suite/src/$part/package.test"
    done
    zcat "$folder/go/usr/share/doc/golang-1.19-src/changelog.Debian.gz" | sed -n '1s/^\([^ ]*\) (\([^)]*\)).*/\1 \2/p' > "$folder/version"
    libraries "$root"/suite/src/*/package.test
}

words() {
    printf '120\t/bin/bash\t-c\tcd src/$0 && exec ./package.test -test.run "^$1\\$" -test.short\t%s\t%s' "${1%%:*}" "${1#*:}"
}
