#!/bin/sh
# SPDX-License-Identifier: MIT
# Interactive programs in a terminal of tmux: line editors, a full-screen editor, Ctrl-C, a change of the window's size;
# the terminal's settings are restored at the end.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
mux() {
    tmux -L "ouro-$$" -f /dev/null "$@"
}
trap 'mux kill-server 2>/dev/null; rm -rf -- "$temp"' EXIT
screen() {
    mux capture-pane -p -t 0
}
# wait_for REGEX: waits until a line of the screen matches.
wait_for() {
    tries=0
    until screen | grep -Eq -- "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt $((300 * ${SLOW:-1})) ] || { bad "no line with '$1' on the screen"; screen | sed 's/^/    | /'; return 1; }
        sleep 0.1
    done
}
type_keys() {
    mux send-keys -t 0 "$@"
}
# start ARGS...: runs a command in a new shell, which prints the status and the terminal's settings when it ends.
start() {
    mux send-keys -t 0 "clear; stty -g > before; $*; echo over=\$?; stty -g | cmp - before && echo same" Enter
}
finished_with() {
    wait_for "over=$1\$" && wait_for '^same$'
    type_keys 'clear' Enter
    sleep 0.3
}

TMUX='' mux new-session -d -x 80 -y 24 "env PS1='> ' dash" || exit 1
seconds=$((100 * ${SLOW:-1}))
run="$OURO run --machine microvm --timeout $seconds"
cat="/bin/busybox sh -c 'echo ready; exec /bin/busybox cat'"

# Input is echoed once, by the machine; erase works; the end of input ends the program.
start "$run $cat"
wait_for '^ready$'
type_keys abx BSpace c Enter
for _ in $(seq 100); do
    [ "$(screen | grep -c '^abc$')" -ne 2 ] || break
    sleep 0.1
done
[ "$(screen | grep -c '^abc$')" -eq 2 ] || { bad 'cat: not the typed line and its copy'; screen; }
type_keys C-d
finished_with 0

# Ctrl-C goes to the program; three in a row end a program that ignores it.
start "$run $cat"
wait_for '^ready$'
type_keys C-c
finished_with 130
start "$run /bin/busybox sh -c 'trap : INT; echo deaf; while :; do read x; done'"
wait_for '^deaf$'
type_keys C-c C-c C-c
finished_with 130

# A line editor: history and the cursor keys.
start "$run /usr/bin/sqlite3"
wait_for '^sqlite>'
type_keys 'select 6*7\;' Enter
wait_for '^42$'
type_keys 'select 1\;' Left Left 2 Enter
wait_for '^21$'
type_keys .quit Enter
finished_with 0

# The prompts of Lua and Python; Ctrl-C in an endless loop.
if [ -x /usr/bin/lua5.4 ]; then
    start "$run /usr/bin/lua5.4"
    wait_for '^Lua 5.4'
    type_keys 'print(6*7)' Enter
    wait_for '^42$'
    type_keys 'while true do end' Enter
    sleep 1
    type_keys C-c
    wait_for 'interrupted!'
    type_keys C-d
    finished_with 0
fi
if [ -x /usr/bin/python3 ]; then
    start "$run -m 256M --with /usr/lib/python3.* /usr/bin/python3 -q"
    wait_for '^>>>'
    type_keys 'import os, sys' Enter '[x*x for x in range(5)]' Enter
    wait_for '^\[0, 1, 4, 9, 16\]$'
    type_keys 'os.get_terminal_size()' Enter
    wait_for 'columns=80, lines=24'
    type_keys 'while True: pass' Enter Enter
    sleep 1
    type_keys C-c
    wait_for '^KeyboardInterrupt$'
    type_keys C-d
    finished_with '[13]*0' # as on Linux: 130 until Python 3.12, 0 since
fi

# Full-screen programs, for which the rules pack the terminal's description.
printf 'one\ntwo\nthree\n' >text
# full_screen SHOWN LAST OPTIONS...: the program shows this, and ends by the last key.
full_screen() {
    shown=$1 last=$2
    shift 2
    start "$run $*"
    wait_for "$shown"
    type_keys "$last"
    finished_with 0
}
full_screen 'Load average: ' F10 htop
full_screen '^ *PID USER .*COMMAND' q top
full_screen '^three$' q --with text less text
full_screen '\^X Exit' C-x --with text nano text
start "$run --bare htop"
wait_for '^Error opening terminal: '
finished_with 1

# A full-screen editor, and a change of the window's size.
mkdir -p root && cp text root/text
start "$run --root root /bin/busybox vi /text"
wait_for '^three$'
wait_for '^~$'
[ "$(screen | wc -l)" -eq 24 ] || bad 'vi: not the whole window'
type_keys dd
for _ in $(seq 100); do
    screen | grep -q '^one$' || break
    sleep 0.1
done
wait_for '^two$'
screen | grep -q '^one$' && bad 'vi: the line is still there'
type_keys ':q!' Enter
finished_with 0
cat >size.c <<'C'
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
static void show(int number)
{
    struct winsize size;
    char line[64];
    (void)number;
    ioctl(0, TIOCGWINSZ, &size);
    int length = snprintf(line, sizeof(line), "now %dx%d\n", size.ws_col, size.ws_row);
    if (write(1, line, (size_t)length) < 0)
        _exit(1);
}
int main(void)
{
    char byte;
    signal(SIGWINCH, show);
    show(0);
    return read(0, &byte, 1) != 1;
}
C
start "$run ./size.c"
wait_for '^now 80x24$'
mux resize-window -t 0 -x 70 -y 20
wait_for '^now 70x20$'
type_keys Enter
finished_with 0

# After SIGKILL the guardian restores the terminal.
start "$run $cat"
wait_for '^ready$'
for pid in $(pgrep -f "run --machine microvm --timeout $seconds /bin/busybox sh -c echo ready"); do
    [ "$(readlink "/proc/$pid/cwd")" = "$temp" ] || continue
    grep -q guardian "/proc/$pid/comm" || kill -9 "$pid"
done
wait_for 'over=137$'
sleep 1
type_keys 'stty -g | cmp - before && echo as before' Enter
wait_for '^as before$'
finish
