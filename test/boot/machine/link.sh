#!/bin/sh
# SPDX-License-Identifier: MIT
# link.sh MACHINE CARD: a server of the machine answers at a forwarded port, by the driver of CARD (virtio, e1000 or e1000e);
# it does not while the card's link is down, and does afterwards. 300 connections (e1000 and e1000e: 10,000), one
# after the other; 64 that come at once.
# CARD "shared": an e1000 whose interrupt line is that of a disk, from which the server reads for each connection.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
machine=$1 card=$2

cat >server.c <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
static _Alignas(4096) uint32_t block[1024];
/* Without the page cache; block N of the disk says N. */
static int disk_is_well(int disk)
{
    uint32_t n = (uint32_t)rand() % 256;
    return disk < 0 || (pread(disk, block, sizeof block, (off_t)(n * sizeof block)) == sizeof block && block[1023] == n);
}
int main(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8080)};
    int server = socket(AF_INET, SOCK_STREAM, 0), disk = open("/dev/vda", O_RDONLY | O_DIRECT);
    if (bind(server, (struct sockaddr *)&at, sizeof at) || listen(server, 16) || write(1, "ready\n", 6) != 6)
        return 1;
    for (;;) {
        char bytes[64];
        int one = accept(server, NULL, NULL);
        ssize_t size = one < 0 ? -1 : read(one, bytes, sizeof bytes);
        if (one >= 0 && size > 0 && disk_is_well(disk) && write(one, bytes, (size_t)size) != size)
            return 2;
        close(one);
    }
}
C
cat >client.py <<'P'
import json, os, signal, socket, sys, time

def ask(port, limit):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=limit) as s:
            s.settimeout(limit)
            s.sendall(b"hello")
            return s.recv(64) == b"hello"
    except OSError:
        return False

def set_link(up):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("control")
        f = s.makefile("rw")
        for line in ({"execute": "qmp_capabilities"},
                     {"execute": "set_link", "arguments": {"name": "net", "up": up}}):
            f.readline()
            f.write(json.dumps(line) + "\n")
            f.flush()
        if "error" in f.readline():
            sys.exit("QEMU does not set the link")

def wait(port, what):
    until = time.time() + 60
    while not ask(port, 5):
        if time.time() > until:
            sys.exit(what)
        time.sleep(0.2)

def emulators(port):
    """The processes that forward the port."""
    for name in os.listdir("/proc"):
        try:
            with open("/proc/%s/cmdline" % name, "rb") as f:
                if name.isdigit() and b":%d-" % port in f.read():
                    yield int(name)
        except OSError:
            pass

def at_once(port):
    """Connections that come while QEMU does not look wait, and none is dropped for a second."""
    stopped = list(emulators(port))
    if not stopped:
        sys.exit("no process forwards the port")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        all = [socket.create_connection(("127.0.0.1", port), timeout=30) for i in range(64)]
        time.sleep(0.3)
        dropped = [s for s in all if not taken(s)]
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    if dropped:
        sys.exit("%d connections of 64 were not taken at once" % len(dropped))
    for s in all:
        s.settimeout(60)
        s.sendall(b"hello")
    for s in all:
        if s.recv(64) != b"hello":
            sys.exit("a connection has no answer")
        s.close()

def taken(s):
    """True if the other side of the connection has it, in the list of this computer."""
    with open("/proc/net/tcp") as f:
        other = [line.split()[1:3] for line in f if ":" in line]
    hexadecimal = lambda at: "%08X:%04X" % (int.from_bytes(socket.inet_aton(at[0]), sys.byteorder), at[1])
    return [hexadecimal(s.getpeername()), hexadecimal(s.getsockname())] in other

port = int(sys.argv[1])
wait(port, "no answer at the port")
count = 10000 if sys.argv[2] in ("e1000", "e1000e") else 300
bad = sum(not ask(port, 30) for i in range(count))
if bad:
    sys.exit("%d connections of %d failed" % (bad, count))
set_link(False)
if ask(port, 2):
    sys.exit("an answer although the link is down")
set_link(True)
wait(port, "no answer after the link came up again")
if sys.argv[2] == "virtio":  # the tool's own port
    at_once(port)
P
model=$card
if [ "$card" = shared ]; then
    model=e1000,addr=9
    python3 -c 'import sys; [sys.stdout.buffer.write(i.to_bytes(4, "little") * 1024) for i in range(256)]' >disk
fi
if [ "$card" = virtio ]; then
    set -- -p 0:8080
else
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    set -- --net none --append ip=dhcp --qemu-arg -netdev --qemu-arg "user,id=net,hostfwd=tcp:127.0.0.1:$port-:8080" \
        --qemu-arg -device --qemu-arg "$model,netdev=net,romfile="
fi
if [ "$card" = shared ]; then
    set -- "$@" --qemu-arg -drive --qemu-arg file=disk,format=raw,if=none,id=disk \
        --qemu-arg -device --qemu-arg virtio-blk-pci,drive=disk,vectors=0,disable-legacy=on,addr=d
fi
timeout $((380 * ${SLOW:-1})) "$OURO" run -v --medium direct --machine "$machine" "$@" --qemu-arg -qmp \
    --qemu-arg unix:control,server=on,wait=off --timeout $((360 * ${SLOW:-1})) server.c >out 2>err </dev/null &
machine_run=$!
until grep -q ready out || ! kill -0 "$machine_run" 2>/dev/null; do
    sleep 0.1
done
[ "$card" != virtio ] || port=$(sed -n 's/^ouro: http:.* port \([0-9]*\) of this computer is .*/\1/p' err)
python3 client.py "$port" "$card" || { bad "$machine, $card"; show err; }
if [ "$card" = shared ] && [ "$(grep -c 'interrupts by line$' err)" -ne 2 ]; then
    bad 'the two devices have no line'
    show err
fi
kill "$machine_run"
wait "$machine_run" 2>/dev/null
finish
