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
has seen '^  what    abort\(\) called from app::parse\(app::parser&\) at thrown.cpp:8$' '^          > +8 \|     throw std::runtime_error' \
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
has seen '^  hint    length has no line numbers: compile with -g$'
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
grep -q 'hint    abort() was called' seen && bad 'a hint at what stands there already'
has seen '^  said    free\(\): double free detected' '^  hint    the heap was damaged before' '^  what    abort\(\) called from main\(\) at twice.c:6$'

# Blocks of malloc(): a freed one in a tcache, in a fastbin, in a group of musl's, and one that was written past its end.
cat >heap.c <<'C'
#include <stdlib.h>
#include <string.h>
struct node { long link; char *name; };
static struct node *kept[20];
static __attribute__((noinline)) int first(struct node *n) { return *n->name; }
int main(int argc, char **argv)
{
    int which = argc > 1 ? atoi(argv[1]) : 0;
    for (int i = 0; i < 20; i++) {
        kept[i] = malloc(40);
        memset(kept[i], 0, 40);
    }
    if (which < 0) {
        memset(kept[4], 'A', 64);
        abort();
    }
    for (int i = 0; i < 12; i++)
        free(kept[i]);
    kept[which]->name = (char *)0x7000000000;
    return first(kept[which]);
}
C
gcc -g -O0 -fno-builtin -o heap heap.c && gcc -g -O0 -fno-builtin -static -o heap-static heap.c &&
    musl-gcc -g -O0 -fno-builtin -static -o heap-musl heap.c || exit 1
for how in 'heap 2' 'heap 11' 'heap-static 2' 'heap-musl 2'; do
    terminal --report heap.json "./$how"
    # musl has also freed the block that the group of blocks was in.
    has seen '^  heap    rdi is at \+0x[0-9a-f]+ in a freed block of (40|44|492) bytes, 0x[0-9a-f]*$' \
        '^  hint    perhaps a use after free: '
    jq -e '.heap[0] | .register == "rdi" and .size >= 40 and .at < .size' heap.json >/dev/null || { bad "JSON: $how"; show heap.json; }
done
# A pointer that was read from the word of a freed block in which free() leaves the process's key.
cat >key.c <<'C'
#include <stdlib.h>
#include <string.h>
struct node { long number; char *name; };
int main(void)
{
    struct node *volatile n = malloc(40);
    memset(n, 0, 40);
    free(n);
    return *n->name;
}
C
gcc -g -O0 -fno-builtin -o key key.c || exit 1
terminal ./key
# (Another compiler keeps the pointer to the block in a register, which the report names first.)
has seen '^  heap    r[a-z]+ is (what free\(\) leaves in a block, as in|at \+0x0 in a freed block of 40 bytes,) 0x[0-9a-f]*$' '^  hint    perhaps a use after free: '
for how in 'heap 15' 'heap-musl 15'; do
    terminal "./$how"
    grep -Eq '^  heap .* rdi|use after free' seen && { bad "a block in use: $how"; show seen; }
done
terminal --report heap.json ./heap -1
has seen '^  heap    the allocator.s word at 0x[0-9a-f]* is overwritten: 0x4141414141414141 "AAAAAAAA"; before it is a block of 40 bytes, 0x[0-9a-f]*$' \
    '^  hint    a block of malloc\(\) was written past its end$'
jq -e '.heap_damage | startswith("0x")' heap.json >/dev/null || { bad 'JSON: a damaged heap'; show heap.json; }

# Names of a stripped library: from the compressed symbols that some distributions leave in it.
cat >deep.c <<'C'
static __attribute__((noinline)) int an_inner_function_of_the_library(volatile int *p) { return *p + 1; }
int outer(int *p) { return an_inner_function_of_the_library(p) + 1; }
C
printf 'int outer(int *p);\nint main(void) { return outer(0) + 1; }\n' >uses.c
gcc -shared -fPIC -O1 -o libdeep.so deep.c && gcc -g -O1 -o uses uses.c -L. -ldeep || exit 1
cp libdeep.so whole.so && strip libdeep.so
LD_LIBRARY_PATH=$temp terminal ./uses
has seen '^  trace   #0 0x[0-9a-f]* \.text\+0x[0-9a-f]* \[libdeep.so\]$'
objcopy -S --keep-symbol=an_inner_function_of_the_library whole.so small.so && xz small.so &&
    objcopy --add-section .gnu_debugdata=small.so.xz libdeep.so || exit 1
LD_LIBRARY_PATH=$temp terminal --report uses.json ./uses
has seen '^  what    READ of 4 bytes at 0x0 by an_inner_function_of_the_library\+0x0 \[libdeep.so\]' \
    '^  trace   #0 0x[0-9a-f]* an_inner_function_of_the_library\+0x0 \[libdeep.so\]$' \
    '^==== CRASH: null pointer; READ of 4 bytes at 0x0 by an_inner_function_of_the_library\+0x0 '

# A C function that Python called.
if [ -x /usr/bin/python3 ]; then
    terminal /usr/bin/python3 -c "'import ctypes; ctypes.string_at(8)'"
    has seen '^  hint    Python called this by ctypes; python3 -X faulthandler shows the Python lines$'
    grep -Eq 'has no line numbers|called from _Py' seen && { bad "Python's own frames are the program's"; show seen; }
fi

# A return address that was overwritten with a number is no frame, and one that the search finds is marked; code that a signal
# interrupted is shown itself, not the byte before it.
cat >smashed.c <<'C'
#include <signal.h>
#include <stdlib.h>
static void handler(int signal) { if (signal) abort(); }
static __attribute__((noinline)) int inner(volatile long *p) { return (int)*p; }
static __attribute__((noinline)) int outer(volatile long *p)
{
    *(volatile long *)__builtin_frame_address(0) = 1;
    ((volatile long *)__builtin_frame_address(0))[1] = 0x123456789abc00;
    return inner(p) + 1;
}
static __attribute__((noinline)) int plain(volatile long *p) { return inner(p) + 1; }
int main(int argc, char **argv)
{
    if (argc == 1)
        return outer((long *)8) + !argv;
    signal(SIGSEGV, handler);
    return plain((long *)8) + 1;
}
C
gcc -g -O1 -fno-stack-protector -fno-inline -o smashed smashed.c || exit 1
terminal ./smashed
has seen '^          #1 0x[0-9a-f]* outer\+' '^          #2\? 0x[0-9a-f]* [a-z_.]+\+'
grep -q 'no code is known there' seen && { bad 'a number is a frame'; show seen; }
terminal -v ./smashed handled
has seen '^ *#[0-9]* 0x[0-9a-f]* inner\+0x0 \[smashed\] at smashed.c:4' '^ *#[0-9]* 0x[0-9a-f]* plain\+'
finish
