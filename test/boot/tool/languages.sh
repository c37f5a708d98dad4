#!/bin/sh
# SPDX-License-Identifier: MIT
# Programs of ruby, guile, R and graphviz, from Debian's packages, unpacked: the rules find what they load by themselves.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
root=${PACKAGES:-$top/build/packages}/languages
"$top/test/packages/root.sh" "$root" bash coreutils dash debianutils graphviz guile-3.0 r-base-core ruby sed >"$temp/log" 2>&1 ||
    { tail -n 1 "$temp/log"; exit 77; }
cd "$temp" || exit 1

run() {
    "$OURO" run --sysroot "$root" --medium direct --machine microvm --timeout $((120 * ${SLOW:-1})) "$@" >seen 2>errors </dev/null
}

# works WANTED OPTIONS...: the program prints this, and does not with --bare.
works() {
    wanted=$1
    shift
    run "$@" || bad "$*: status $?"
    grep -q -- "$wanted" seen || { bad "$*: not '$wanted'"; show seen; show errors; }
    run --bare "$@" && bad "$*: works without the rules, too"
}

works '^\[1,{"a":null}\]$' ruby -rjson -e 'puts JSON.generate([1, {a: nil}])'
works '^10$' guile-3.0 -c '(use-modules (srfi srfi-1)) (display (fold + 0 (iota 5))) (newline)'
works '^2 $' R -s -e 'cat(median(c(1, 2, 9)), "\n")'
works '^4 $' Rscript -e 'cat(nchar(toupper("four")), "\n")'
echo 'digraph { a -> b }' >graph
works '<title>a&#45;&gt;b</title>' --with graph dot -Tsvg graph
finish
