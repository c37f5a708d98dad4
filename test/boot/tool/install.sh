#!/bin/sh
# SPDX-License-Identifier: MIT
# The Debian package, which cmake --install fills: what is unpacked from it works for another user, from folders that nobody
# writes, with its cache in XDG_CACHE_HOME; its manual page and completions come from the option tables.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
# debian/rules packs what is built already.
mkdir source
cp -r "$top/debian" "$top/LICENSE" source
(cd source && make -f debian/rules -o build binary-arch build="$(cd "$(dirname -- "$OURO")/../.." && pwd)") >log 2>&1 ||
    { bad 'the package'; show log; finish; }
dpkg-deb -x ouro_*_amd64.deb package
dpkg-deb -f ouro_*_amd64.deb Depends | grep -q 'libarchive13.*qemu-system-x86' || bad 'what the package depends on'
(cd package && md5sum --quiet -c -) <source/debian/ouro/DEBIAN/md5sums >log 2>&1 || { bad 'md5sums'; show log; }
for file in copyright changelog.gz; do
    [ -s package/usr/share/doc/ouro/$file ] || bad "the package has no $file"
done
gunzip package/usr/share/man/man1/ouro.1.gz
rm package/usr/lib/ouro/kernel/ouro.debug.elf # as large as all the rest, and not needed
mv package/usr moved # nothing depends on where it was installed
chmod -R a-w moved
mkdir -m 777 cache work
chmod 755 "$temp"
installed=$temp/moved/bin/ouro
user=
[ "$(id -u)" != 0 ] || user='setpriv --reuid=65534 --regid=65534 --clear-groups'
as_user() {
    # shellcheck disable=SC2086 # words
    (cd work && $user env -u XDG_RUNTIME_DIR HOME=/nonexistent XDG_CACHE_HOME="$temp/cache" "$installed" "$@")
}

[ "$(as_user version)" = "$("$OURO" version)" ] || bad 'version'
as_user help run | diff - "$top/tool/help/run.txt" >difference || { bad 'help run'; show difference; }
[ "$(echo hi | as_user run --medium direct --machine microvm --timeout $((60 * ${SLOW:-1})) cat)" = hi ] || bad 'run cat'
as_user run --medium direct --machine microvm --timeout $((60 * ${SLOW:-1})) >seen 2>errors </dev/null || { bad 'the demo'; show errors; }
grep -q 'Hello!' seen || bad 'the demo says nothing'
[ -f cache/ouro/demo/tour ] || bad 'the demo is not in the cache'
echo 'int main(void) { return 7; }' >work/seven.c
as_user run --medium direct --machine microvm --timeout $((60 * ${SLOW:-1})) seven.c
[ $? -eq 7 ] || bad 'a C file'
as_user iso cat -o cat.iso >seen 2>errors || { bad 'iso'; show errors; }
xorriso -indev work/cat.iso -find /licences -type f 2>/dev/null >seen
for name in ouro lwip; do
    grep -q "/licences/$name'" seen || bad "an installed tool's image has no licence of $name"
done
as_user test >seen 2>errors && bad 'test of an installed tool'
[ "$(cat errors)" = 'ouro: ouro test needs a checkout: ./ouro test in one' ] || { bad 'what test says'; show errors; }
as_user rnu 2>errors
grep -q 'did you mean run?' errors || { bad 'no suggestion'; show errors; }
find moved -newer cache -type f | grep -q . && bad 'the installation was written'

# Each option of run is in the manual page and in the completions.
# shellcheck disable=SC2013 # words
for option in $(sed -n 's/^  *\(-., \)\{0,1\}--\([a-z-]*\).*/\2/p' "$top/tool/help/run.txt" | grep -vx 'help\|usage'); do
    grep -q -- "--$option" moved/share/bash-completion/completions/ouro || bad "bash: $option is missing"
    grep -q -- "--$option" moved/share/zsh/vendor-completions/_ouro || bad "zsh: $option is missing"
    grep -q -- "-l $option" moved/share/fish/vendor_completions.d/ouro.fish || bad "fish: $option is missing"
    grep -q -- "$(echo "--$option" | sed 's/-/\\\\-/g')" moved/share/man/man1/ouro.1 || bad "man: $option is missing"
done
bash -n moved/share/bash-completion/completions/ouro || bad 'bash does not read the completion'
completed() {
    bash -c '. "$0"; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ouro; echo "${COMPREPLY[@]}"' \
        moved/share/bash-completion/completions/ouro "$@"
}
[ "$(completed ouro scr)" = screenshot ] || bad 'bash: a command'
[ "$(completed ouro run --trace)" = --trace-files ] || bad 'bash: an option'
[ "$(completed ouro run --emulator = b)" = bochs ] || bad 'bash: a choice'
finish
