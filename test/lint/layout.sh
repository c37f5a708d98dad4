#!/bin/bash
# SPDX-License-Identifier: MIT
# layout.sh TOP: the table at the head of src/mm/layout.h covers all addresses without gap or overlap and has every
# START and END that is defined below it; docs/memory-map.md has the same rows.
set -u
top=$1
header=$top/src/mm/layout.h
page=$top/docs/memory-map.md
failed=0

bad() {
    echo "layout.sh: $*"
    failed=1
}

# start end slots, one row a line; the last end is 2^64.
rows=$(sed -n 's/^ \*   \(0x[0-9a-f]\{16,17\}\)  \(0x[0-9a-f]\{16,17\}\)  *\([-0-9]*\) .*/\1 \2 \3/p' "$header")
[ "$(wc -l <<<"$rows")" -gt 10 ] || bad "no table in $header"
expected=0x0000000000000000
while read -r start end slots; do
    [ "$start" = "$expected" ] || bad "$header: the row after $expected starts at $start"
    first=$((start >> 39 & 511)) last=$((end - 1 >> 39 & 511))
    if [ "$slots" != - ]; then
        [ "$slots" = "$first" ] && [ $first = $last ] || [ "$slots" = "$first-$last" ] ||
            bad "$header: $start to $end are the slots $first to $last, not $slots"
    fi
    expected=$end
done <<<"$rows"
[ "$expected" = 0x10000000000000000 ] || bad "$header: the table ends at $expected"

while read -r name value; do
    grep -q " ${value#0x}\|0x${value#0x}" <<<"$rows" || bad "$header: $name, $value, is not in its table"
done < <(sed -n 's/^#define \(LAYOUT_[A-Z_]*\(_START\|_END\|KERNEL_BASE\)\) *\(0x[0-9a-f]*\).*/\1 \3/p' "$header")

# The page has all rows but those that are never mapped, not canonical or free.
# shellcheck disable=SC2016 # backquotes of Markdown
shown=$(sed -n 's/^| `\(0x[0-9a-f]*\)` | `\(0x[0-9a-f]*\)` | \([-–0-9]*\) |.*/\1 \2 \3/p' "$page" | sed 's/–/-/')
while read -r row; do
    grep -qxF -- "$row" <<<"$rows" || bad "$page: no such row in layout.h: $row"
done <<<"$shown"
while read -r start end slots; do
    grep -q "^ \*   $start  $end  *$slots  *\(never mapped (\|not canonical\|free\)" "$header" ||
        grep -qxF -- "$start $end $slots" <<<"$shown" || bad "$page: no row for $start to $end"
done <<<"$rows"
exit $failed
