#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's zsh and fish complete ouro's words by the installed files, and groff reads the manual page without a warning: in
# machines, from unpacked packages, where each program needs its rule.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
root=${PACKAGES:-$top/build/packages}/shells
"$top/test/packages/root.sh" "$root" fish groff-base zsh >"$temp/log" 2>&1 || { tail -n 1 "$temp/log"; exit 77; }
cd "$temp" || exit 1
cmake --install "$(dirname -- "$OURO")/.." --prefix "$temp/usr" >log 2>&1 || { bad 'cmake --install'; show log; finish; }
mkdir files
cp usr/share/man/man1/ouro.1 usr/share/zsh/vendor-completions/_ouro usr/share/fish/vendor_completions.d/ouro.fish files

run() {
    "$OURO" run --sysroot "$root" --root files --medium direct --machine microvm --timeout $((120 * ${SLOW:-1})) "$@" >seen 2>errors </dev/null
}

# fish WANTED LINE: what it offers at the end of the line.
fish() {
    run fish --no-config -c "source /ouro.fish; complete -C '$2'" || bad "fish: status $?"
    [ "$(cut -f 1 seen | tr '\n' ' ')" = "$1 " ] || { bad "fish: $2"; show seen; show errors; }
}
fish screenshot 'ouro scr'
fish --trace-files 'ouro run --tra'
fish 'bochs qemu' 'ouro run --emulator '

cat >files/tab.zsh <<'Z'
zmodload zsh/zpty
zpty typed zsh -fi
zpty -w typed 'fpath=(/ $fpath); autoload -U compinit; compinit -D -u; echo re''ady'
zpty -r typed seen '*ready*'
completes() {
    zpty -w -n typed $'\x15'"$1"$'\t' # the line before is deleted
    zpty -r typed seen "*$2*" && echo "$2"
}
completes 'ouro scr' screenshot
completes 'ouro run --tra' --trace-files
completes 'ouro run --emulator=bo' '=bochs'
zpty -d typed
Z
run -e TERM=dumb zsh -f /tab.zsh || bad "zsh: status $?"
[ "$(cat seen)" = "screenshot
--trace-files
=bochs" ] || { bad 'zsh'; show seen; show errors; }

run groff -ww -man -Tascii -P -cbou /ouro.1 || bad "groff: status $?"
[ ! -s errors ] || { bad 'the manual page has warnings'; show errors; }
grep -q -- '--trace-files' seen || { bad 'the manual page lacks an option'; show seen; }
run --bare groff -Tutf8 /ouro.1 && bad 'groff works without its rule, too'
run --bare fish --no-config -c 'source /ouro.fish; complete -C "ouro scr"' && grep -q screenshot seen && bad 'fish works without its rule, too'
finish
