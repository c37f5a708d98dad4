#!/bin/sh
# SPDX-License-Identifier: MIT
# offload.sh: a tap device lets the card make TCP's checksums and cut what goes out into segments (TSO). Linux's TCP, in a
# network of its own at the other end, gets the bytes right, by IPv4 and IPv6, in frames that are larger than an Ethernet's.
# Skipped where no tap device can be made.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
if [ "${1:-}" != inside ]; then
    unshare -rn ip tuntap add mode tap name ouro0 2>/dev/null || exit 77
    exec unshare -rn "$0" inside
fi
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
ip tuntap add mode tap name ouro0 && echo 0 >/proc/sys/net/ipv6/conf/ouro0/accept_dad && # else its own address is tentative at first
    ip addr add 10.0.2.2/24 dev ouro0 && ip link set lo up && ip link set ouro0 up || exit 77

cat >server.c <<'C'
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
/* Sends back what comes, and at its end 16 MiB. */
static char bytes[1 << 17];
int main(void)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(8080)};
    int server = socket(AF_INET6, SOCK_STREAM, 0);
    if (bind(server, (struct sockaddr *)&at, sizeof at) || listen(server, 16))
        return 1;
    puts("ready");
    fflush(stdout);
    for (;;) {
        int one = accept(server, NULL, NULL);
        ssize_t n;
        while ((n = read(one, bytes, sizeof bytes)) > 0)
            if (send(one, bytes, (size_t)n, MSG_NOSIGNAL) != n)
                break;
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (char)(i % 251 + i / 5000);
        for (int i = 0; n == 0 && i < 128; i++)
            send(one, bytes, sizeof bytes, MSG_NOSIGNAL);
        close(one);
    }
}
C
cat >client.py <<'P'
import os, socket, sys, threading

block = bytes((i % 251 + i // 5000) & 255 for i in range(1 << 17))

def counts():
    """Bytes and packets that came from the machine."""
    with open("/proc/net/dev") as f:
        words = next(line for line in f if "ouro0:" in line).split(":")[1].split()
    return int(words[0]), int(words[1])

for family, address in (socket.AF_INET, ("10.0.2.15", 8080)), (socket.AF_INET6, ("fe80::5054:ff:fe12:3456%ouro0", 8080)):
    size, packets = counts()
    given = os.urandom(3000001)
    with socket.create_connection(address, timeout=60) as s:
        def give():
            s.sendall(given)
            s.shutdown(socket.SHUT_WR)
        threading.Thread(target=give).start()
        data = bytearray()
        while more := s.recv(1 << 18):
            data += more
    if len(data) != len(given) + 128 * len(block) or bytes(data[:len(given)]) != given or \
            any(data[len(given) + i * len(block):][:len(block)] != block for i in range(128)):
        sys.exit("%s: %d bytes, not those that were sent" % (address[0], len(data)))
    now = counts()
    mean = (now[0] - size) / (now[1] - packets)
    print("%s: %.0f bytes a frame" % (address[0], mean))
    if mean < 4000:
        sys.exit("the card was given no segments to cut")
with open("/proc/net/snmp") as f:
    names, values = [line.split() for line in f if line.startswith("Tcp:")]
    if (wrong := int(values[names.index("InCsumErrors")])) != 0:
        sys.exit("%d wrong checksums" % wrong)
P
timeout $((100 * ${SLOW:-1})) "$OURO" run -v --medium direct --net tap:ouro0 --append ip=10.0.2.15/24 --timeout $((90 * ${SLOW:-1})) server.c >out 2>err </dev/null &
machine_run=$!
until grep -q ready out || ! kill -0 "$machine_run" 2>/dev/null; do
    sleep 0.1
done
python3 client.py || { bad 'what the card cuts'; show err; }
kill "$machine_run"
wait "$machine_run" 2>/dev/null
finish
