#!/bin/sh
# SPDX-License-Identifier: MIT
# selftest.sh TOP: each check passes a small clean tree and fails after an error is planted in it.
set -u
top=$1
lint=$top/test/lint
scratch=$(mktemp -d "${TMPDIR:-/tmp}/ouro-lint.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
status=0

fresh()
{
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree/src/base" "$scratch/tree/src/mm" "$scratch/tree/cmake"
    cd "$scratch/tree" || exit 1
    cp "$top/cmake/layers.cmake" cmake/
    cp "$top/.clang-format" .
    printf '#pragma once\n\n#include <stdint.h>\n\nstatic inline uint8_t low(uint32_t v)\n{\n    return (uint8_t)v;\n}\n' >src/base/low.h
    printf '#pragma once\n\n#include "base/low.h"\n\nint pages(void);\n' >src/mm/pages.h
    printf '#include "mm/pages.h"\n\nint pages(void)\n{\n    return low(1);\n}\n' >src/mm/pages.c
    printf '#!/bin/sh\necho hello\n' >run
    mkdir docs
    cp "$top/src/mm/layout.h" src/mm/
    cp "$top/docs/memory-map.md" docs/
}

# add_locks: adds the headers of locks, and a file with a guarded field.
add_locks()
{
    mkdir src/cpu
    cp "$top/src/CMakeLists.txt" src/
    cp "$top"/src/base/compiler.h "$top/src/base/lock_class.h" "$top"/src/base/addr.h src/base/
    cp "$top/src/cpu/irq.h" "$top/src/cpu/bits.h" "$top"/src/cpu/lock*.h "$top/src/cpu/cpus.h" "$top/src/cpu/percpu.h" "$top/src/cpu/trap_frame.h" src/cpu/
    printf '#include "cpu/lock.h"\n\nstatic struct spin_lock spin;\nstatic int ticks GUARDED_BY(class_timer);\n\nvoid tick(void);\nvoid tick(void)\n{\n    uint64_t flags = spin_lock_irq(&spin, &class_timer);\n    ticks++;\n    spin_unlock_irq(&spin, &class_timer, flags);\n}\n' >src/cpu/ticks.c
}

# expect_passes CHECK: the check passes the tree, which is then made anew.
expect_passes()
{
    if ! "$lint/$1.sh" "$scratch/tree" >"$scratch/log" 2>&1; then
        echo "selftest.sh: $1 complains about a clean tree:"
        cat "$scratch/log"
        status=1
    fi
    fresh
}

# expect_clean CHECK: the check passes a new tree.
expect_clean()
{
    fresh
    expect_passes "$1"
}

# expect_found CHECK TEXT: the check finds the planted error and prints TEXT.
expect_found()
{
    if "$lint/$1.sh" "$scratch/tree" >"$scratch/log" 2>&1; then
        echo "selftest.sh: $1 did not find: $2"
        status=1
    elif ! grep -q -e "$2" "$scratch/log"; then
        echo "selftest.sh: $1 did not say: $2"
        cat "$scratch/log"
        status=1
    fi
    fresh
}

# Another version of clang-format is not asked (format.sh).
format=$(clang-format --version | sed -n 's/.* version 14\..*/format/p')
for check in includes headers $format layout shellcheck budgets statics; do
    expect_clean "$check"
done

echo '#include "mm/pages.h"' >>src/base/low.h
expect_found includes 'src/base/low.h:9: base must not include mm'
echo '#include <string.h>' >>src/mm/pages.h
expect_found includes '<string.h> is not a freestanding header'
echo '#include "pages.h"' >>src/mm/pages.h
expect_found includes '"pages.h" is not a path from src/'
echo '#include "mm/../base/low.h"' >>src/mm/pages.h
expect_found includes 'is not a path from src/'
echo '#include "mm/gone.h"' >>src/mm/pages.h
expect_found includes '"mm/gone.h" does not exist'
echo '#include NAME' >>src/mm/pages.h
expect_found includes 'cannot tell what this includes'
printf '#include "base/low.h"\n#include "mm/pages.h"\n' >src/mm/pages.c
expect_found includes 'src/mm/pages.c:1: the first include is not its own header'
mkdir src/odd && echo 'int odd;' >src/odd/odd.c
expect_found includes 'folder odd is not in cmake/layers.cmake'
echo 'set(OURO_LAYER_base kern)' >>cmake/layers.cmake
expect_found includes 'cmake/layers.cmake: cycle: .*base'
mkdir -p src/mm/pt && printf '#include "fs/vfs/a.h"\n' >src/mm/pt/walk.c
mkdir -p src/fs/vfs && : >src/fs/vfs/a.h
expect_found includes 'src/mm/pt/walk.c:1: mm/pt must not include fs/vfs'
: >cmake/layers.cmake
expect_found includes 'no layers found'

sed -i '/stdint/d' src/base/low.h
expect_found headers 'uint32_t'
sed -i '/pragma/d' src/base/low.h
expect_found headers 'redefinition'
sed -i '/pragma/d' src/mm/pages.h
expect_found headers 'src/mm/pages.h: no #pragma once'
sed -i 's/(uint8_t)v/v/' src/base/low.h
expect_found headers 'conversion'
printf '#pragma once\n#if !__STDC_HOSTED__\n#error kernel only\n#endif\n' >src/base/half.h
expect_found headers 'kernel only'

mkdir -p include/ouro && printf '#pragma once\nstatic inline int *cast(void *p)\n{\n    return p;\n}\n' >include/ouro/odd.h
expect_found headers 'odd.h:4:.*error'

printf 'static int start(int v)\n{\n    return v;\n}\n' >src/mm/one.c
printf 'static UNUSED PRINTF_LIKE(1, 2) int *start(int v)\n{\n    return 0;\n}\n' >src/base/two.c
expect_found statics 'start() is static in more than one file'

sed -i 's/    return/  return/' src/mm/pages.c
[ -z "$format" ] || expect_found format 'src/mm/pages.c.*clang-format'
add_locks
expect_passes locks
add_locks && printf 'int peek(void);\nint peek(void)\n{\n    return ticks;\n}\n' >>src/cpu/ticks.c
expect_found locks "reading variable 'ticks' requires holding lock class 'class_timer'"
add_locks && sed -i 's/_irq(&spin, &class_timer)/_irq(\&spin, \&class_sched)/' src/cpu/ticks.c
expect_found locks "writing variable 'ticks' requires holding lock class 'class_timer'"
add_locks && sed -i '/spin_unlock/d' src/cpu/ticks.c
expect_found locks "'class_timer' is still held at the end of function"
add_locks && sed -i 's/spin_lock_irq(.*/irq_save();/; s/spin_unlock_irq(.*/irq_restore(flags);/; s/ GUARDED_BY(class_timer)//' src/cpu/ticks.c
expect_found locks 'cpu/ticks.c:9: .*irq_save'

sed -i 's/^\( \*   0xfffff90000000000  0xfffff9\)8/\19/' src/mm/layout.h
expect_found layout 'the row after 0xfffff99000000000 starts at 0xfffff98000000000'
sed -i 's/  497  /  487  /' src/mm/layout.h
expect_found layout 'are the slots 497 to 497, not 487'
sed -i 's/^\(#define LAYOUT_HEAP_END.*\)8/\17/' src/mm/layout.h
expect_found layout 'LAYOUT_HEAP_END, 0xfffff87000000000, is not in its table'
sed -i '/| 499 |/d' docs/memory-map.md
expect_found layout 'no row for 0xfffff98000000000'
sed -i 's/| 500 |/| 501 |/' docs/memory-map.md
expect_found layout 'no such row in layout.h'

# small_kernel: makes src/ and the objects of a small kernel; base/ uses a function of mm/ and lists it.
small_kernel()
{
    rm -rf src "$scratch/objects"
    mkdir -p src/base src/mm/pt
    echo 'int up(void);' >src/base/up.h
    echo 'int up(void); int low(void); int low(void) { return up(); }' >src/base/low.c
    echo 'int low(void); int up(void); int up(void) { return 1; } int pages(void); int pages(void) { return low(); }' >src/mm/pages.c
    echo 'int pages(void); int walk(void); int walk(void) { return pages(); }' >src/mm/pt/walk.c
    echo 'int up(void); int walk(void); int kmain(void); int kmain(void) { return walk() + up(); }' >src/main.c
    printf 'set(OURO_LAYER_base)\nset(OURO_LAYER_mm base)\nset(OURO_LAYER_mm/pt base mm)\n' >cmake/layers.cmake
    echo 'set(OURO_SYMBOLS_base up)' >>cmake/layers.cmake
}

# check_symbols: compiles the small kernel and checks it; messages go to $scratch/log.
check_symbols()
{
    for source in src/*.c src/*/*.c src/*/*/*.c; do
        mkdir -p "$scratch/objects/$(dirname "${source#src/}")"
        cc -c -o "$scratch/objects/${source#src/}.o" "$source" || return 2
    done
    "$lint/symbols.sh" "$scratch/tree" "$scratch/objects" >"$scratch/log" 2>&1
}

# expect_symbol TEXT: the check finds the planted use and prints TEXT.
expect_symbol()
{
    if check_symbols; then
        echo "selftest.sh: symbols did not find: $1"
        status=1
    elif ! grep -qxF -e "$1" "$scratch/log"; then
        echo "selftest.sh: symbols did not say: $1"
        cat "$scratch/log"
        status=1
    fi
    small_kernel
}

small_kernel
if ! check_symbols; then
    echo "selftest.sh: symbols complains about a clean kernel:"
    cat "$scratch/log"
    status=1
fi
sed -i '/SYMBOLS/d' cmake/layers.cmake
expect_symbol 'src/base/low.c: base must not use up, which src/mm/pages.c defines'
echo 'int walk(void); int early(void); int early(void) { return walk(); }' >src/mm/early.c
expect_symbol 'src/mm/early.c: mm must not use walk, which src/mm/pt/walk.c defines'
sed -i 's/SYMBOLS_base up/SYMBOLS_mm up/' cmake/layers.cmake # base/ may not include mm/, which would declare it
expect_symbol 'src/base/low.c: base must not use up, which src/mm/pages.c defines'
rm src/base/up.h
expect_symbol 'cmake/layers.cmake: no header of base declares up'
sed -i 's/SYMBOLS_base up/SYMBOLS_base up pages/' cmake/layers.cmake
expect_symbol 'cmake/layers.cmake: nothing uses pages from below its definition'
echo 'int low(void); int low(void) { return 0; }' >src/base/low.c
expect_symbol 'cmake/layers.cmake: nothing uses up from below its definition'
fresh

# comment TEXT: adds a comment at the end of a file, in a tree whose other texts name only existing things.
comment()
{
    rm -r src/mm/layout.h docs/memory-map.md cmake
    printf '/* %s */\n' "$1" >>src/mm/pages.c
}
comment 'pages() and low(), as mmap(2) says; low(v) of base/low.h, <stddef.h>, src/mm/; guest_*.c and test_NAME.c.'
expect_passes names
comment 'Called by page_start() once.'
expect_found names 'src/mm/pages.c:7: page_start() is not in the tree'
comment 'Called by page_start(range) once.'
expect_found names 'src/mm/pages.c:7: page_start() is not in the tree'
comment 'Asserted in mm/page.c, for all.'
expect_found names 'src/mm/pages.c:7: mm/page.c is not in the tree'
comment 'Asserted in page.c.'
expect_found names 'src/mm/pages.c:7: page.c is not in the tree'
comment 'Driven by test/boot/.'
expect_found names 'src/mm/pages.c:7: test/boot/ is not in the tree'
printf 'int odd; /* pages() */ /* even\n * odd_one() too */\n' >>src/mm/pages.c
expect_found names 'src/mm/pages.c:8: odd_one() is not in the tree'
# shellcheck disable=SC2016 # backquotes of Markdown
printf 'It calls `pages()`:\n```\nodd()\n```\nSee [the other](odd.md).\n' >docs/page.md
expect_found names 'docs/page.md:5: odd.md is not in the tree'
printf '# As src/page.c does.\n' >run.sh
expect_found names 'run.sh:1: src/page.c is not in the tree'

# This shell must not expand the variable.
# shellcheck disable=SC2016
echo 'cd $HOME/x' >>run
expect_found shellcheck 'SC2086'

if python3 -c 'import yaml' 2>/dev/null; then
    # workflow TEXT: a workflow with these lines instead of a job's good ones.
    workflow() {
        mkdir -p .github/workflows
        printf 'name: ci\non:\n  push:\njobs:\n  test:\n    runs-on: x\n    steps:\n%s\n' "$1" >.github/workflows/ci.yml
    }
    workflow '      - run: echo hello'
    expect_passes workflow
    # shellcheck disable=SC2016 # the step's
    workflow '      - run: echo $hello'
    expect_found workflow 'SC2154'
    workflow '      - runs: echo hello'
    expect_found workflow 'test, step 1: unknown key runs'
    workflow '      - uses: actions/checkout'
    expect_found workflow 'has no version'
    workflow '      - run: "echo'
    expect_found workflow 'ci.yml: while scanning'
    # shellcheck disable=SC2016 # backquotes of Markdown
    printf '```yaml\njob:\n```\n' >docs/page.md
    expect_found workflow 'docs/page.md: no jobs'
fi

# longest LINES: a function of LINES + 6 lines, with six parameters and four levels of nesting.
longest()
{
    echo "int longest(int a, int (*b)(int x, int y), int c, int d, int e, int f)"
    echo "{"
    seq -f "    a += %g;" "$1"
    printf "                if (a) {\n                }\n    return b;\n}\n"
} >src/mm/longest.c

# keep_budgets: writes the list of the planted tree.
keep_budgets()
{
    mkdir -p test/lint
    "$lint/budgets.sh" "$scratch/tree" --write
}

for text in 'long src/mm/longest.c longest: 76: it is over' 'parameters src/mm/longest.c longest: 6: it is over' \
    'nesting src/mm/longest.c longest: 4: it is over'; do
    longest 70
    expect_found budgets "$text"
done
longest 600
expect_found budgets 'file src/mm/longest.c: 606: it is over'
longest 54 && sed -i 's/, int f//; s/^        *//' src/mm/longest.c
if ! "$lint/budgets.sh" "$scratch/tree"; then
    echo "selftest.sh: budgets complains about 60 lines and five parameters"
    status=1
fi
longest 70 && keep_budgets
if ! "$lint/budgets.sh" "$scratch/tree"; then
    echo "selftest.sh: budgets complains about what its list allows"
    status=1
fi
longest 71
expect_found budgets 'longest: 77: it was 76 and has grown'
longest 70 && keep_budgets && longest 69
expect_found budgets 'longest: 75: it was 76 and has shrunk: lower the list'
longest 70 && keep_budgets && rm src/mm/longest.c
expect_found budgets 'longest: gone: it is within the budget now: lower the list'
longest 70 && keep_budgets && sed -i 's/longest(/longer(/' src/mm/longest.c
expect_found budgets 'long src/mm/longest.c longer: 76: it is over'

exit $status
