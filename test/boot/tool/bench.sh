#!/bin/sh
# SPDX-License-Identifier: MIT
# `ouro bench --alone`: prints figures as a table and as JSON, and reports a regression against an earlier run.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1

"$OURO" bench --alone --quick --runs 1 --json now.json boot memory size primitives >out 2>err || bad "bench: status $?"
[ ! -s err ] || { bad 'bench complains'; show err; }
for name in processor.microvm empty_guest.microvm processor_to_empty.microvm direct direct.kernel bios_cd bios_cd.firmware \
    bios_cd.grub smallest_hello smallest_busybox smallest_sqlite3 \
    smallest_python3 in_use_at_rest kernel \
    iso_with_hello src/mm/pt reports symbol_names getppid pread_4k open_close page_fault mprotect_pair trap_only protN signal_self; do
    grep -q "^$name  *[a-zA-Z]* *[1-9][0-9.]*" out || bad "no figure for $name"
    grep -q "\"figure\": \"$name\", .*\"series\": \"ouro\", " now.json || bad "no $name in the JSON"
done
grep -q '"figure": "getppid".*"series": "ouro-instructions"' now.json || bad 'instructions are not counted'
# The code that QEMU translates for a boot: more of it needs a reason, which the commit that raises the limit states. The
# number is QEMU 7.2's and clang 14's; a busy computer, on which more interrupts come in other places, takes about thirty more.
blocks_limit=4470
case $(qemu-system-x86_64 --version) in *' version 7.2.'*) ;; *) blocks_limit=$((blocks_limit * 3 / 2)) ;; esac
if grep -q '^QEMU with tcg' out; then
    blocks=$(awk '$1 == "blocks.microvm" { print $3 }' out)
    [ "${blocks:-0}" -ge 1000 ] || bad 'the translated blocks are not counted'
    [ "${blocks:-0}" -le "$blocks_limit" ] || bad "$blocks blocks translated on microvm, the limit is $blocks_limit"
fi
python=$(command -v python3) && { "$python" -m json.tool now.json >/dev/null || bad 'the JSON is none'; }

# Debian's programs run to completion.
"$OURO" bench --alone --quick --runs 1 apps >out 2>err || bad "bench apps: status $?"
[ ! -s err ] || { bad 'bench apps complains'; show err; }
for name in compute memcpy_1m sqlite3_speed lua_loop python3_loop openssl_sha256 openssl_aes128 busybox_md5sum busybox_awk \
    busybox_sh; do
    grep -q "^$name  *[a-z]* *[1-9][0-9.]*" out || bad "no figure for $name"
done

# All five back ends of the page tables in one table.
"$OURO" bench --alone --quick --runs 1 --json paging.json paging >out 2>err || bad "bench paging: status $?"
[ ! -s err ] || { bad 'bench paging complains'; show err; }
grep -q '^paging  *unit  *recursive  *physmap  *offset  *identity  *temporary$' out || bad 'no table of five columns'
for name in map protect translate unmap page_fault mmap_touch_munmap mprotect_pair tables_for_16_MiB virtual_space \
    page_flushes; do
    for way in recursive physmap offset identity temporary; do
        grep -q "\"section\": \"paging\", \"figure\": \"$name\", .*\"series\": \"$way\", \"median\": [1-9]" paging.json ||
            bad "no $name of $way"
    done
done
for way in dirty_bits soft_dirty mprotect_sigsegv; do
    grep -q "\"figure\": \"$way\", .*\"series\": \"ouro\"" paging.json || bad "no $way"
done

# Sizes do not vary between runs; an earlier run with all figures 1 makes the present ones a regression.
"$OURO" bench --alone --against now.json size >out 2>err || { bad "against itself: status $?"; show out; }
grep -q '^[1-9][0-9]* figures compared with now.json: 0 worse$' out || { bad 'against itself: no verdict'; show out; }
sed -E 's/"(median|least|greatest)": [0-9.e+]+/"\1": 1/g' now.json >better.json
"$OURO" bench --alone --against better.json size >out 2>err
[ $? -eq 1 ] || { bad 'a regression is not told by the status'; show out; }
grep -q '^worse: size kernel, ouro: ' out || { bad 'a regression is not named'; show out; }

for wrong in 'nonsense' '--runs 0' '--runs x' '--against /dev/null size'; do
    # shellcheck disable=SC2086 # words
    "$OURO" bench --alone $wrong >out 2>err
    [ $? -eq 125 ] || bad "bench $wrong: not refused"
    [ -s err ] || bad "bench $wrong: refused without a word"
done
finish
