# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# Its tests that run in parallel, drawn by a fixed seed, over Debian's node. What node's own list calls flaky or skipped is not drawn,
# nor a test that starts dozens of nodes one after the other (minutes in QEMU), nor what reads
# other folders of the source.
source=nodejs
packages="nodejs bash coreutils procps openssl dash"
start=/suite
memory=1G
native=1
minimum=290
sample=5
slow="test-module-loading-globalpaths test-trace-events-category-used"
title="297 of Node.js' parallel tests, drawn by a fixed seed"

list() {
    local drawn
    drawn=$(cd "$tree/test/parallel" && ls -- test-*.js | sed 's/\.js$//' | grep -vxF "$(sed -n 's/^\([a-z0-9-]*\): .*/\1/p' parallel.status)" |
        grep -vE '^test-(v8|wasm|inspector|debugger|heapdump|crypto-dh|crypto-keygen|tls|https2?|snapshot|fs-.*large|.*-memory)')
    shuf -n 300 --random-source=<(yes 20261130) <<< "$drawn" |
        grep -vxE 'test-(cli-eval|benchmark-cli|release-changelog)'
}

build() {
    rm -rf "$root/suite"
    mkdir -p "$root/suite/test"
    install "$tree"/test/{parallel,common,fixtures} suite/test
    install "$tree"/{lib,deps/acorn} suite || true
    # a test that is not drawn is nothing but weight
    list | sed 's/$/.js/' > "$folder/drawn"
    (cd "$root/suite/test/parallel" && ls -- test-*.js | grep -vxFf "$folder/drawn" | xargs rm -f)
}

words() {
    local flags
    flags=$(sed -n 's,^// Flags: ,,p' "$tree/test/parallel/$1.js" | head -n 1)
    # shellcheck disable=SC2086 # a list
    printf '240\t/usr/bin/node'
    for flag in $flags; do printf '\t%s' "$flag"; done
    printf '\ttest/parallel/%s.js' "$1"
}
