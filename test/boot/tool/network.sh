#!/bin/sh
# SPDX-License-Identifier: MIT
# network.sh: --port, --net, --net-dump. Bad values and a port that is taken end with one sentence before the boot; a card
# is given where the program can open a socket, and random bytes with it; frames are written to a file.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
busybox=/bin/busybox

# refused REGEX OPTIONS...: status 125, no output, and at most two lines on stderr, one of which matches.
refused() {
    regex=$1
    shift
    timeout $((60 * ${SLOW:-1})) "$OURO" run "$@" "$busybox" true >out 2>err </dev/null
    status=$?
    [ "$status" -eq 125 ] || bad "$*: status $status"
    grep -Eq -- "$regex" err || { bad "$*: no line with: $regex"; show err; }
    [ ! -s out ] || bad "$*: wrote to stdout"
    [ "$(wc -l <err)" -le 2 ] || { bad "$*: says too much"; show err; }
}

for value in '' x 80 : 80: :80; do
    refused "^ouro run: --port $value: " --port "$value"
done
for value in 65536:80 99999999999999999999:80 80:65536 80:0 0:0 -1:80 ' 80:80' 0x50:80 80:80x 8080:80:; do
    refused 'a port is a number from 1 to 65535' -p "$value"
done
for value in 1.2.3:80:80 :8080:80 localhost:80:80 8080:80:90:1 ::1:80:80 1.2.3.4.5:80:80; do
    refused 'before the ports stands an IPv4 address' -p "$value"
done
refused 'IPv4 addresses only' -p '[::1]:8080:80'
refused 'after the slash stands udp or tcp' -p 8080:80/sctp
refused '1\.2\.3\.4: not an address of this computer' -p 1.2.3.4:28080:80
refused 'the choice is between none, user and tap:NAME' --net nonsense
refused 'not the name of a tap device' --net tap:
refused 'not the name of a tap device' --net tap:name,script=/bin/sh
refused 'not the name of a tap device' --net tap:a-name-that-is-too-long
refused 'there is no tap device nosuch0: ' --net tap:nosuch0
refused 'leave out --net none$' --net none -p 8080:80
refused 'leave out --net none$' --net none --net-dump frames
refused 'for --net user' --net tap:nosuch0 -p 8080:80
refused 'cannot write \./nowhere/frames: ' --net-dump ./nowhere/frames
for option in '-p 8080:80' '--net tap:nosuch0' '--net-dump frames'; do
    # shellcheck disable=SC2086 # words
    refused '^ouro: Bochs .*or use --emulator qemu$' --emulator bochs $option
done

# A port that is taken, of either kind, by another program or twice by us.
python3 -c '
import socket, sys, time
t, u = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for s in t, u:
    s.bind(("127.0.0.1", 0))
t.listen(1)
print(t.getsockname()[1], u.getsockname()[1], flush=True)
time.sleep(300)' >taken &
holder=$!
until [ -s taken ] || ! kill -0 "$holder"; do
    sleep 0.1
done
read -r tcp udp <taken || exit 1
refused "^ouro: port $tcp of this computer is taken: choose another one with --port\$" -p "$tcp:80"
refused "^ouro: port $tcp of this computer is taken: " -p "0.0.0.0:$tcp:80"
refused "^ouro: UDP port $udp of this computer is taken: " -p "$udp:53/udp"
kill "$holder"
wait "$holder" 2>/dev/null
refused "^ouro: port $tcp of this computer is taken: " -p "$tcp:80" -p "$tcp:81"
if [ "$(id -u)" -ne 0 ]; then
    refused 'is for root only' -p 80:80
fi

# run OPTIONS...: boots with the log.
run() {
    timeout $((100 * ${SLOW:-1})) "$OURO" run -v --medium direct --timeout $((90 * ${SLOW:-1})) "$@" >out 2>err </dev/null
    status=$?
    [ "$status" -eq 0 ] || { bad "run $*: status $status"; show err; }
}

# Which programs get a card.
cat >quiet.c <<'C'
int main(void) { return 0; }
C
cat >opens.c <<'C'
#include <sys/socket.h>
int main(void) { return socket(AF_UNIX, SOCK_STREAM, 0) < 0; }
C
gcc -O1 -o opens opens.c
gcc -O1 -shared -fPIC -Dmain=opens -o libopens.so opens.c
gcc -O1 -o linked -xc -DX quiet.c -xnone -Wl,--no-as-needed -L. -lopens -Wl,-rpath,"$temp"
for machine in microvm pc; do
    run --machine "$machine" quiet.c
    grep -q 'net: ' err && bad "$machine: a program without sockets has a card"
    run --machine "$machine" opens.c
    grep -q 'net: virtio-net by ' err || bad "$machine: a static program with sockets has no card"
    grep -q 'random: 64 bytes by virtio-rng$' err || { bad "$machine: no random bytes"; show err; }
    run --machine "$machine" --net user quiet.c
    grep -q 'net: virtio-net by ' err || bad "$machine: --net user gives no card"
    run --machine "$machine" --net none opens.c
    grep -q 'net: ' err && bad "$machine: --net none gives a card"
done
run --machine microvm ./opens
grep -q 'net: virtio-net by ' err || bad "a dynamic program with sockets has no card"
run --machine microvm ./linked
grep -q 'net: virtio-net by ' err || bad "a program whose library has sockets has no card"
run --machine q35 opens.c
grep -q 'net: virtio-net by PCI' err || bad "q35: no card"

# A free port is chosen and named; the file of frames is one.
run --machine microvm -p 0:80 -p 0:53/udp --net-dump 'fra,mes' quiet.c
grep -Eq '^ouro: http://localhost:([1-9][0-9]*): port \1 of this computer is port 80 of the machine$' err ||
    { bad 'the port chosen is not named'; show err; }
grep -Eq '^ouro: UDP port [1-9][0-9]* of this computer is port 53 of the machine$' err || bad 'nor the UDP port'
[ "$(od -An -tx4 -N4 'fra,mes')" = ' a1b2c3d4' ] || bad 'no file of frames'
finish
