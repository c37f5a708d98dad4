# SPDX-License-Identifier: MIT
# Shared by the boot tests; sourced, not run. $OURO is the tool, ./ouro when it is not set.
# shellcheck shell=sh

top=$(CDPATH='' cd -- "$here/../../.." && pwd -P)
OURO=${OURO:-$top/ouro}
temp=$(mktemp -d "${TMPDIR:-/tmp}/ouro-test-XXXXXX")
trap 'rm -rf -- "$temp"' EXIT
trap 'exit 130' INT TERM HUP
failures=0

bad() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

finish() {
    [ "$failures" -eq 0 ] || { echo "$failures failed"; exit 1; }
    exit 0
}

# edit_qemu: from now on $EDIT, a sed script, changes each argument of QEMU.
edit_qemu() {
    cat >"$temp/qemu" <<'Q'
#!/bin/sh
for word; do
    shift
    set -- "$@" "$(printf '%s' "$word" | sed "$EDIT")"
done
exec qemu-system-x86_64 "$@"
Q
    chmod +x "$temp/qemu"
    export OURO_QEMU="$temp/qemu" EDIT
}

# show FILE: prints the end of the file, without control characters.
show() {
    tail -n 20 -- "$1" | cat -v | cut -c 1-300 | sed 's/^/    | /'
}
