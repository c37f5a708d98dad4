#!/bin/bash
# SPDX-License-Identifier: MIT
# tracers.sh strace|gdb: Debian's strace -f and gdb inside the machine print the same as on Linux, except for addresses, pids
# and times. tracers.sh fuzz PROGRAM [SEED [COUNT]]: requests of ptrace() at random, in Ouro only.
set -u
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- # what a test runner has open
ouro=${OURO:-$(cd "$(dirname "$0")/../.." && pwd)/ouro}
case $ouro in /*) ;; *) ouro=$PWD/$ouro ;; esac
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
if [ $# -gt 1 ] && [ "${2#/}" = "$2" ]; then set -- "$1" "$PWD/$2" "${@:3}"; fi
cd / || exit 1
machine=(run --medium direct --machine microvm -m 512M --timeout $((150 * ${SLOW:-1})))

skip() {
    echo "skip: $*"
    exit 77
}

fail() {
    echo "FAIL: $*"
    exit 1
}

# by_thread: the calls of each process, whole, below its parent's and in the order in which the parent made them: which of
# two children calls first is a race. So is the order of signals, and with it the times that wait4() is called: left out.
by_thread() {
    python3 -c '
import re, sys
calls, children, open_calls = {}, {}, {}
for line in sys.stdin:
    pid, text = line.rstrip("\n").split(None, 1)
    m = re.match(r"<\.\.\. \w+ resumed>(.*)", text)
    if m and pid in open_calls:
        text = open_calls.pop(pid) + m.group(1)
    elif text.endswith("<unfinished ...>"):
        open_calls[pid] = text[:-len("<unfinished ...>")].rstrip()
        continue
    calls.setdefault(pid, [])
    if re.match(r"---|wait4|rt_sigreturn", text):
        continue
    text = re.sub(r"0x[0-9a-f]{4,}|\b[0-9]{12,}\b", "ADDRESS", text)
    text = re.sub(r"/\* \d+ vars \*/", "", re.sub(r" +=", " =", re.sub(r", *", ", ", text)))
    text = re.sub(r"(getrandom\(|nodename=)\".*?\"", r"\1", text)
    made = re.match(r"(?:v?fork|clone3?)\(.*= (\d+)$", text)
    if made:
        children.setdefault(pid, []).append(made.group(1))
    if re.match(r"(v?fork|clone3?|getp?pid|gettid|set_tid_address|wait4)\(", text):
        text = re.sub(r"= \d+$", "= PID", text)
    text = re.sub(r"rlim_(cur|max)=[^,}]*", r"rlim_\1", text)
    calls[pid].append(text)

def show(pid, name):
    print("\n".join(name + " " + call for call in calls.pop(pid, ["made no call"])))
    for number, child in enumerate(children.get(pid, []), 1):
        show(child, "%s.%d" % (name, number))

show(next(iter(calls)), "P")
print("calls of processes that nobody made:", calls)
'
}

both_strace() {
    [ -x /bin/busybox ] || skip "no busybox here"
    if ! strace -o "$work/try" true 2> /dev/null || ! [ -s "$work/try" ]; then skip "strace does not work here"; fi
    # shellcheck disable=SC2016 # for the shells inside
    local side traced='echo one two | busybox wc -w; (exit 3); echo "$?"; busybox true; busybox cat /missing; exec busybox false'
    # shellcheck disable=SC2016
    local command=(/bin/busybox sh -c 'strace -f -o "$0" busybox sh -c "$1"; echo "status $?"; cat "$0"; rm "$0"' "/tmp/trace.$$" "$traced")
    env -i LC_ALL=C PATH="$PATH" "${command[@]}" 2>&1 < /dev/null | cat > "$work/linux.all"
    env -i LC_ALL=C PATH="$PATH" "$ouro" "${machine[@]}" --with /bin/busybox --with /usr/bin/strace "${command[@]}" \
        > "$work/ouro.all" 2>&1 < /dev/null
    for side in linux ouro; do
        grep -v '^[0-9]* \|^ouro: ' "$work/$side.all" > "$work/$side.out"
        grep '^[0-9]* ' "$work/$side.all" | by_thread > "$work/$side"
    done
}

both_gdb() {
    command -v gcc gdb > /dev/null || skip "no gdb here"
    gcc -g -O0 -no-pie -o "$work/debugged" "$here/debian/debugged.c" || fail "gcc"
    local command=(/usr/bin/gdb -nx -batch -x "$here/debian/debugged.gdb" "$work/debugged")
    LC_ALL=C "${command[@]}" > "$work/linux.all" 2>&1 < /dev/null
    grep -q 'a=3, b=3' "$work/linux.all" || skip "gdb does not work here: $(tail -n 3 "$work/linux.all")"
    LC_ALL=C "$ouro" "${machine[@]}" --with /bin/sh --with "$work/debugged" --with "$here/debian/debugged.c" \
        --with "$here/debian/debugged.gdb" --with '/usr/lib/x86_64-linux-gnu/libthread_db.so.1' "${command[@]}" > "$work/ouro.all" 2>&1 < /dev/null
    local side
    for side in linux ouro; do
        : > "$work/$side.out"
        sed -E '/^(ouro: |warning: Unable to find libthread_db|\[Thread debugging|Using host libthread_db)/d
            s/LWP [0-9]+/LWP N/g; s/process [0-9]+/process N/g; s/Thread 0x[0-9a-f]+ \((LWP N)\)/\1/g
            /exited\]$/d; s/  +/ /g; s/0x0*7ff[0-9a-f]+/STACK/g' "$work/$side.all" > "$work/$side"
    done
}

case ${1:-} in
fuzz)
    "$ouro" "${machine[@]}" --append check-at-end "$2" "${3:-1}" "${4:-30000}" > "$work/out" 2> "$work/err" < /dev/null ||
        fail "status $?: $(tail -n 30 "$work/err")"
    cat "$work/out"
    exit ;;
strace) both_strace ;;
gdb) both_gdb ;;
*) fail "usage: tracers.sh strace|gdb|fuzz" ;;
esac
diff -au "$work/linux.out" "$work/ouro.out" || fail "the programs print differently (- Linux, + Ouro)"
[ "$(wc -l < "$work/linux")" -gt 20 ] || fail "too little on Linux"
diff -au "$work/linux" "$work/ouro" || fail "the lines differ (- Linux, + Ouro)"
echo "ok: $(wc -l < "$work/ouro") lines"
