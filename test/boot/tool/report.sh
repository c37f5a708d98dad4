#!/bin/sh
# SPDX-License-Identifier: MIT
# Additions of the tool to fault reports: file and line, source, colour, --report; without them the report is unchanged.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
KERNEL=${KERNEL:-$top/build/kernel/ouro.elf}
cd "$temp" || exit 1
unset NO_COLOR
TERM=xterm
export TERM
cat >crash.c <<'C'
#include <stdio.h>
#include <stdlib.h>
struct node { char pad[24]; int value; };
static inline __attribute__((always_inline)) int get(volatile struct node *n)
{
    return n->value;
}
static __attribute__((noinline)) int compare(const void *a, const void *b)
{
    return get(*(struct node *const *)a) - (a < b) + 1;
}
int main(void)
{
    struct node *v[3] = {0};
    puts("before");
    fflush(stdout);
    qsort(v, 3, sizeof *v, compare);
    return printf("%p\n", (void *)v[0]);
}
C
gcc -g -O1 -o crash crash.c && gcc -g -O1 -static -o still crash.c || exit 1
escape=$(printf '\033')

run() {
    "$OURO" run --medium direct --machine microvm --timeout $((60 * ${SLOW:-1})) "$@" </dev/null
}

# has FILE EXPRESSION...: each expression matches a line.
has() {
    file=$1
    shift
    for wanted; do
        grep -Eq -e "$wanted" "$file" || { bad "$file has no line '$wanted'"; show "$file"; }
    done
}

run --report kept.json ./crash 2>err >out
[ $? -eq 139 ] || bad 'status is not 139'
[ "$(cat out)" = before ] || bad 'stdout was changed'
has err '^  what    READ of 4 bytes at 0x18 by compare\+.* at crash.c:6 in get, inlined at crash.c:10 in compare$' \
    '^  trace   #0 0x[0-9a-f]* compare\+.* at crash.c:6 in get, inlined at crash.c:10 in compare$' \
    '^ *#[0-9]* 0x[0-9a-f]* main\+.* at crash.c:17$' '^  insn    .*; reads \[r[a-z]+\+0x18\] = 0x18, r[a-z]+ = 0x0; mov e[a-z]+, \[r[a-z]+\+0x18\]$' '^\{"ouro_report":1,.*\}$'
sed -n '/^  what/,/^  who/p' err | sed '1d;$d' >excerpt
printf '                5 | {\n          >     6 |     return n->value;\n                7 | }\n' | cmp -s - excerpt ||
    { bad 'the excerpt is wrong'; show excerpt; }
sed -n '/ main+/,/_start/p' err | grep -q '^          >    17 |     qsort(v, 3' || bad 'main has no excerpt'
[ "$(grep -c '> *6 |' err)" -eq 1 ] || bad 'the first excerpt stands there twice'
grep -q "$escape" err && bad 'colours in a file'

jq -e '.kind == "crash" and .class == "null pointer" and .address == "0x18"' kept.json >/dev/null || bad '--report: no crash'
jq -e '.trace[0].lines | length == 2 and .[0].function == "get" and .[0].line == 6 and (.[0].file | endswith("/crash.c"))
    and .[1].function == "compare" and .[1].line == 10' kept.json >/dev/null || { bad '--report: lines are wrong'; show kept.json; }
jq -e '[.trace[] | select(.at | startswith("main"))][0].lines[0].line == 17' kept.json >/dev/null || bad '--report: no line in main'
jq -c 'del(.trace[].lines)' kept.json >kept
tail -n 1 err | jq -c . | cmp -s - kept || bad '--report differs from the line of JSON'
run --report kept.json /bin/busybox true || bad 'busybox true failed'
[ "$(wc -c <kept.json)" -eq 0 ] || bad '--report: not empty without a report'
run --report missing/kept.json /bin/busybox true 2>err
[ $? -eq 125 ] || bad '--report: a file that cannot be written'

for how in colour plain; do
    [ $how = colour ] || export NO_COLOR=1
    script -qec "$OURO run --medium direct --machine microvm --timeout $((60 * ${SLOW:-1})) ./still" /dev/null </dev/null >$how 2>&1
    has $how ' at crash.c:6 in get'
done
unset NO_COLOR
has colour "^$escape\\[1;31m==== CRASH: null pointer" "> +6 \\|     return n->value;$escape\\[0m"
grep -q "$escape" plain && bad 'NO_COLOR has no effect'

# A report without its variable fields and the tool's additions.
bare() {
    sed -e 's/ at crash\.c:.*//' -e '/^ *>\{0,1\} *[0-9]* |/d' -e 's/, [0-9.]* s after boot//' -e 's/"time_ns":[0-9]*//' -e 's/ tsc=[0-9]*//' "$1" |
        grep -av -e '^  memory' -e '^  stack   the main' -e '^ *+[0-9a-f]* ' -e '^ *L[1-4]\[' -e getrandom -e 'has no line numbers'
}
run --append norandmaps ./still >out 2>whole
cp still keep
strip -g -o still keep
run --append norandmaps ./still >out 2>stripped
grep -aq 'crash\.c' stripped && bad 'lines without DWARF'
objcopy --dump-section .debug_info=info keep /dev/null || exit 1
size=$(wc -c <info)
for spoil in zero noise ones; do
    case $spoil in
    zero) head -c "$size" /dev/zero ;;
    ones) head -c "$size" /dev/zero | tr '\0' '\377' ;;
    noise) awk -v n="$size" 'BEGIN { srand(1); for (i = 0; i < n; i++) printf "%c", 1 + int(rand() * 127) }' ;;
    esac >bytes
    { head -c 300 info; tail -c +301 bytes; } >spoiled
    objcopy --update-section .debug_info=spoiled keep still || exit 1
    run --append norandmaps ./still >out 2>"$spoil"
    [ $? -eq 139 ] || bad "spoiled DWARF ($spoil): status is not 139"
done
bare whole >expected
for file in stripped zero noise ones; do
    bare "$file" | diff expected - >difference || { bad "the report is another one: $file"; show difference; }
done

# File and line of kernel code, if the symbols are those of the kernel that runs.
cat >kernel.c <<'C'
#include <stdlib.h>
int main(int argc, char **argv)
{
    void *(*copy)(void *, const void *, size_t) = (void *(*)(void *, const void *, size_t))strtoull(argv[argc - 1], 0, 16);
    return copy((void *)24, argv, 8) != 0;
}
C
gcc -g -O1 -fno-omit-frame-pointer -static -o kernel kernel.c || exit 1
address=$(nm "${KERNEL%.elf}.debug.elf" | sed -n 's/ T memcpy$//p')
run ./kernel "$address" 2>err
has err '^  what .* by memcpy\+.* at src/.*:[0-9]+' '^ *#1 0x[0-9a-f]* main\+.* at kernel.c:5$'
cp "$KERNEL" other.elf
run --kernel ./other.elf ./kernel "$address" 2>err
has err '^  what .* by memcpy\+[^ ]* \[kernel\] \(rip [^ ]*$' ' at kernel.c:5$'

# On a terminal: short, the program's own frame, what it said, and the headline at the end. terminal OPTIONS... > seen
terminal() {
    script -qec "'$OURO' run --medium direct --machine microvm --timeout $((60 * ${SLOW:-1})) $*" /dev/null </dev/null 2>&1 |
        tr -d '\000\r' | sed 's/\x1b\[[0-9;]*m//g; s/^\^@//' >seen
}
cat >thrown.cpp <<'C'
#include <stdexcept>
namespace app {
struct parser {
    int depth;
};
__attribute__((noinline)) void parse(parser &p)
{
    throw std::runtime_error(p.depth ? "too deep" : "not \"json\"");
}
}
int main()
{
    app::parser p = {0};
    app::parse(p);
}
C
g++ -g -O1 -o thrown thrown.cpp || exit 1
terminal ./thrown
has seen '^  what    abort\(\) called from .*parse.*\(\) at thrown.cpp:8$' '^          > +8 \|     throw std::runtime_error' \
    "^  said    terminate called after throwing an instance of 'std::runtime_error'" '^            what\(\):  not "json"' \
    'app::parse\(app::parser&\)\+0x' ' more: --report FILE.json, or -v$'
grep -Eq '^  (regs|calls|machine|memory)|^\{' seen && bad 'the short report has more than that'
grep -q '_ZN3app' seen && bad 'a mangled name'
[ "$(sed -n '/^==== CRASH/,$p' seen | wc -l)" -le 26 ] || { bad 'the short report is long'; show seen; }
tail -n 1 seen | grep -q '^==== CRASH: abort; ' || { bad 'the headline is not the last line'; show seen; }
terminal --report thrown.json ./thrown
jq -e '.code == -6 and .code_name == "SI_TKILL" and .exception == "std::runtime_error" and .exception_what == "not \"json\""' thrown.json >/dev/null ||
    { bad 'the JSON lacks the exception'; show thrown.json; }
terminal -v ./thrown
grep -q '^  regs ' seen || { bad '-v on a terminal is short'; show seen; }
cat >length.c <<'C'
#include <string.h>
int main(int argc, char **argv) { return (int)strlen(argv[argc]); }
C
gcc -g -O0 -fno-builtin -o length length.c || exit 1
terminal ./length
has seen '^==== CRASH: null pointer \(SIGSEGV, SEGV_MAPERR\)' '^          called from main\(\) at length.c:2$'
grep -q 'GiB) above' seen && bad 'a neighbour far away'
strip length
terminal ./length
has seen '^  hint    length has no line numbers: compile with -g'
cat >twice.c <<'C'
#include <stdlib.h>
int main(void)
{
    void *volatile p = malloc(40);
    free(p);
    free(p);
}
C
gcc -g -o twice twice.c || exit 1
terminal ./twice
has seen '^  said    free\(\): double free detected' '^  hint    the heap was damaged before' '^  what    abort\(\) called from main\(\) at twice.c:6$'
finish
