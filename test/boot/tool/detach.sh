#!/bin/sh
# SPDX-License-Identifier: MIT
# Machines in the background: run --detach, ps, logs, stop, attach.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
export XDG_STATE_HOME="$temp/state"
# Whatever fails, no machine stays.
# shellcheck disable=SC2317 # by the trap
leave() {
    for machine in "$temp"/state/ouro/machines/*; do
        "$OURO" stop -t 0 "$(basename "$machine")" >/dev/null 2>&1
    done
    rm -rf -- "$temp"
}
trap leave EXIT

# does STATUS ARGS...: output in `out`, messages in `errors`.
does() {
    wanted=$1
    shift
    "$OURO" "$@" >out 2>errors </dev/null
    status=$?
    [ $status -eq "$wanted" ] || { bad "status $status, not $wanted: $*"; show out; show errors; }
}

says() {
    grep -qE -- "$2" "$1" || { bad "$3: no '$2'"; show "$1"; }
}

# until_says FILE TEXT: waits for the text.
until_says() {
    for _ in $(seq 300); do
        grep -qs -- "$2" "$1" && return
        sleep 0.1
    done
    bad "$1 never says $2"
}

cat >server <<'S'
#!/bin/busybox sh
trap 'echo stopping; exit 6' TERM
echo "serves $*"
echo a message >&2
while read line; do
    echo "got $line"
    [ "$line" != end ] || exit 3
done
S
chmod +x server
started() {
    does 0 run --machine microvm --detach --with /bin/busybox "$@"
}

does 0 ps
[ "$(wc -l <out)" -eq 1 ] || bad 'machines before the first'
begin=$(date +%s)
started --name one ./server x y
[ "$(cat out)" = one ] || bad 'the name is not printed'
[ $(($(date +%s) - begin)) -lt 60 ] || bad '--detach waits for the end'
does 0 ps
says out '^one +running +[0-9]+ +./server$' ps
does 125 run --machine microvm --detach --name one --with /bin/busybox ./server
says errors 'a machine one runs: ouro stop one ends it' 'a second one'

"$OURO" logs -f one >follow &
follower=$!
until_says follow 'serves x y'
until_says follow 'a message'
does 0 logs one
says out 'serves x y' logs

# Input by attach, whose status is the program's; logs -f ends with the machine.
(sleep 1; echo hello; sleep 1; echo end) | "$OURO" attach one >attached 2>errors
status=$?
[ $status -eq 3 ] || bad "attach: status $status, not 3"
says attached 'got hello' attach
grep -q serves attached && bad 'attach prints what was before'
wait "$follower"
says follow 'got end' 'logs -f'
does 0 ps
says out '^one +ended 3 ' 'ps after the end'
does 125 attach one
says errors 'the machine one has ended: ouro logs one' attach
does 3 stop one
does 0 ps
grep -q one out && bad 'a machine that stop forgot'
does 125 logs one
says errors 'there is no machine one: ouro ps lists them' logs

# Names by the program; the stop of one is not the other's.
started ./server first
[ "$(cat out)" = server ] || bad 'the name of the program'
started ./server second
[ "$(cat out)" = server-2 ] || bad 'a second machine of the program'
"$OURO" logs -f server-2 >follow2 &
follower=$!
until_says follow2 serves
does 6 stop server-2
wait "$follower"
says follow2 stopping 'the stop signal'
does 0 ps
says out '^server +running' 'the first'
says out '^server-2 +ended 6' 'the second'

# A tool that is killed leaves nothing running, and a machine that does not stop is killed.
lock=$(find state -path '*/server/lock')
pid=$(python3 - "$lock" <<'P'
import fcntl, struct, sys
answer = fcntl.fcntl(open(sys.argv[1], 'r+'), fcntl.F_GETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
print(struct.unpack('hhqqi4x', answer)[4])
P
)
kill -9 "$pid"
for _ in $(seq 50); do
    does 0 ps
    grep -qE '^server +killed' out && break
    sleep 0.1
done
says out '^server +killed' 'after SIGKILL'
printf '#!/bin/busybox sh\ntrap "" TERM\necho deaf\nwhile :; do sleep 1; done\n' >deaf
chmod +x deaf
started ./deaf
"$OURO" logs -f deaf >follow3 &
follower=$!
until_says follow3 deaf
does 125 stop -t 1 deaf
says errors 'did not end within 1 seconds and was killed' stop
wait "$follower"

# What fails before the start is told at once, with its status.
does 127 run --detach ./nothing
says errors 'nothing: No such file' '--detach'
does 0 ps
grep -q nothing out && { bad 'a machine that did not start is kept'; show out; }
does 125 run --detach --name -x ./server
does 125 run --name x ./server
says errors '--name is for --detach' '--name'
does 125 stop ../one
for command in ps logs stop attach; do
    does 0 $command --help
    cmp out "$top/tool/help/$command.txt" || bad "tool/help/$command.txt is not what $command --help prints"
done
does 125 stop
does 125 ps one
finish
