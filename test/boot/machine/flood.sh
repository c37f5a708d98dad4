#!/bin/sh
# SPDX-License-Identifier: MIT
# flood.sh CARD: a program that speaks Ethernet stands at the other end of the card's wire. While it floods a server of the
# machine with SYNs of connections that never come, holds connections that say nothing, and others whose window is zero,
# a client that behaves is served; so it is afterwards.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1

cat >server.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
/* A request is one byte: 'h' gets "hello\n", 'l' as much as the socket takes, 'c' the errno of a connect() to elsewhere, 'd'
 * how many datagrams of UDP were dropped, 'u' how many the machine has, which it reads then. */
static char large[1 << 16];
#define UDP_SOCKETS 200
static int udp[UDP_SOCKETS];
static int elsewhere(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0xc000024d)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), e = connect(fd, (struct sockaddr *)&to, sizeof to) == 0 ? 0 : errno;
    close(fd);
    return e;
}
static int dropped(char *text)
{
    unsigned drops = 0, one;
    char line[300];
    FILE *file = fopen("/proc/net/udp", "r");
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %u", &one) == 1)
            drops += one;
    fclose(file);
    return sprintf(text, "%8u\n", drops);
}
static int datagrams(char *text)
{
    unsigned count = 0;
    for (int i = 0; i < UDP_SOCKETS; i++)
        while (recv(udp[i], large, sizeof large, MSG_DONTWAIT) == 1400)
            count++;
    return sprintf(text, "%8u\n", count);
}
int main(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8080)};
    int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), epoll = epoll_create1(0), one;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = server};
    if (bind(server, (struct sockaddr *)&at, sizeof at) || listen(server, 64) || epoll_ctl(epoll, EPOLL_CTL_ADD, server, &event))
        return 1;
    for (int i = 0; i < UDP_SOCKETS; i++) {
        at.sin_port = htons((uint16_t)(9000 + i));
        udp[i] = socket(AF_INET, SOCK_DGRAM, 0);
        if (bind(udp[i], (struct sockaddr *)&at, sizeof at))
            return 2;
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        char byte;
        epoll_wait(epoll, &event, 1, -1);
        if (event.data.fd != server) {
            if (recv(event.data.fd, &byte, 1, MSG_DONTWAIT) != 1)
                close(event.data.fd);
            else if (byte == 'h')
                send(event.data.fd, "hello\n", 6, MSG_NOSIGNAL);
            else if (byte == 'c' || byte == 'd' || byte == 'u') {
                char text[32];
                int size = byte == 'c'   ? sprintf(text, "%8d\n", elsewhere())
                           : byte == 'd' ? dropped(text)
                                         : datagrams(text);
                send(event.data.fd, text, (size_t)size, MSG_NOSIGNAL);
            } else
                while (send(event.data.fd, large, sizeof large, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
                    ;
            continue;
        }
        while ((one = accept4(server, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
            event = (struct epoll_event){.events = EPOLLIN, .data.fd = one};
            epoll_ctl(epoll, EPOLL_CTL_ADD, one, &event);
        }
    }
}
C
cat >wire.py <<'P'
import random, socket, struct, sys, time

OWN, GUEST, GATEWAY = b"\x02\0\0\0\0\1", socket.inet_aton("10.0.2.15"), socket.inet_aton("10.0.2.2")
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
wire.bind(("127.0.0.1", int(sys.argv[1])))
wire.connect(("127.0.0.1", int(sys.argv[2])))
wire.settimeout(0.05)
random.seed(1)
guest_mac = None
icmp_code = None  # what a SYN to port 9 gets
connections = {}

def put(frame):
    try:
        wire.send(frame)
    except OSError:  # QEMU has not bound its end yet
        time.sleep(0.05)

def checksum(data):
    total = sum(struct.unpack(">%dH" % ((len(data) + 1) // 2), data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return 0xffff - total

def arp(kind, target_mac, target):
    put((target_mac if kind == 2 else b"\xff" * 6) + OWN + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x800, 6, 4, kind) + OWN + GATEWAY +
        (target_mac if kind == 2 else bytes(6)) + target)

def segment(source, port, seq, ack, flags, window=65535, data=b""):
    head = struct.pack(">HHIIBBHHH", port, 8080, seq & 0xffffffff, ack & 0xffffffff, 5 << 4, flags, window, 0, 0) + data
    pseudo = source + GUEST + struct.pack(">BBH", 0, 6, len(head))
    head = head[:16] + struct.pack(">H", checksum(pseudo + head)) + head[18:]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(head), 0, 0, 64, 6, 0) + source + GUEST
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    put(guest_mac + OWN + b"\x08\0" + ip + head)

def ip_packet(source, protocol, data):
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(data), 0, 0, 64, protocol, 0) + source + GUEST
    put(guest_mac + OWN + b"\x08\0" + ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:] + data)

def unreachable(quoted, code):
    icmp = bytes([3, code, 0, 0, 0, 0, 0, 0]) + quoted
    ip_packet(GATEWAY, 1, icmp[:2] + struct.pack(">H", checksum(icmp)) + icmp[4:])

def take():
    """One frame of the machine; False: none came in time."""
    global guest_mac
    try:
        frame = wire.recv(2048)
    except OSError:
        return False
    if frame[12:14] == b"\x08\x06":
        guest_mac = frame[6:12]
        if frame[20:22] == b"\0\1" and frame[38:42] == GATEWAY:
            arp(2, frame[22:28], frame[28:32])
    elif frame[12:14] == b"\x08\0" and frame[23] == 6:
        tcp = frame[14 + (frame[14] & 15) * 4:14 + int.from_bytes(frame[16:18], "big")]
        source, port, seq, ack, offset, flags = struct.unpack(">HHIIBB", tcp[:14])
        if port == 9 and flags & SYN and icmp_code is not None:
            unreachable(frame[14:42], icmp_code)
        if (connection := connections.get((frame[30:34], port))) is not None:
            connection.take(seq, ack, flags, tcp[(offset >> 4) * 4:])
    return True

class Connection:
    def __init__(self, address, window=65535):
        self.address, self.port, self.window = address, random.randrange(1024, 65536), window
        self.seq, self.ack, self.open, self.data, self.ended = random.randrange(1 << 32), 0, False, b"", False
        connections[address, self.port] = self

    def take(self, seq, ack, flags, data):
        if flags & RST:
            self.ended = True
        elif flags & SYN:
            if not self.open:
                self.seq, self.ack, self.open = self.seq + 1, seq + 1, True
            self.send(ACK)
        elif data and seq == self.ack & 0xffffffff:
            if self.window > 0:
                self.data += data
                self.ack += len(data)
            self.send(ACK)

    def send(self, flags, data=b""):
        segment(self.address, self.port, self.seq, self.ack, flags, self.window, data)

    def wait(self, until, again, limit=30):
        end = time.time() + limit
        while not until() and time.time() < end:
            again()
            pause = time.time() + 0.3
            while not until() and time.time() < pause:
                take()
        return until()

    def connect(self):
        return self.wait(lambda: self.open, lambda: self.send(SYN))

    def ask(self, byte, size):
        return self.wait(lambda: len(self.data) >= size or self.ended, lambda: self.send(ACK | PSH, byte)) and len(self.data) >= size

    def close(self):
        self.send(RST | ACK)
        del connections[self.address, self.port]

def good(what):
    one = Connection(socket.inet_aton("192.0.2.1"))
    if not one.connect():
        sys.exit("%s: a good client is not connected" % what)
    # What ICMP says of a connection that is open does not end it.
    quoted = struct.pack(">BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + GUEST + one.address
    for ack in one.ack, one.ack + 100000:
        unreachable(quoted + struct.pack(">HHI", 8080, one.port, ack & 0xffffffff), 3)
    if not one.ask(b"h", 6) or one.data[:6] != b"hello\n":
        sys.exit("%s: a good client is not served: %r" % (what, one.data))
    one.seq += 1
    one.close()

def stranger():
    return bytes([198, 51, random.randrange(256), random.randrange(1, 255)])

end = time.time() + 60
while guest_mac is None and time.time() < end:
    arp(1, bytes(6), GUEST)
    take()
good("at first")
def answer(byte):
    one = Connection(socket.inet_aton("192.0.2.2"))
    if not one.connect() or not one.ask(byte, 9):
        sys.exit("no answer to %r" % byte)
    one.seq += 1
    one.close()
    return int(one.data)

for icmp_code, wanted in (0, 101), (1, 113), (2, 92), (3, 111), (13, 113):  # as Linux's icmp_err_convert[] has them
    if (found := answer(b"c")) != wanted:
        sys.exit("ICMP code %d: errno %d, not %d" % (icmp_code, found, wanted))
# More datagrams than there are buffers for, which the program does not read. The wire itself loses those that come faster
# than QEMU takes them.
for i in range(2000):
    for to in range(200):
        ip_packet(GATEWAY, 17, struct.pack(">HHHH", 1000, 9000 + to, 1408, 0) + bytes(1400))
    if i % 20 == 0:
        good("datagrams")
        if (drops := answer(b"d")) > 0:
            break
count = answer(b"u")
print("datagrams: %d came, %d were dropped" % (count, drops))
if count < 200 or drops == 0:
    sys.exit("datagrams: %d came, %d were dropped" % (count, drops))
good("after datagrams")
for burst in range(10):
    for i in range(2000):
        segment(stranger(), random.randrange(1024, 65536), random.randrange(1 << 32), 0, SYN)
        if i % 50 == 0:
            while take() and i % 500:
                pass
    good("SYN flood")
silent = [Connection(stranger()) for _ in range(300)]
for one in silent:
    if not one.connect():
        sys.exit("a silent connection is refused")
good("silent connections")
shut = [Connection(stranger()) for _ in range(30)]
for one in shut:
    if not one.connect():
        sys.exit("a connection is refused")
    one.window = 0
    one.send(ACK | PSH, b"l")
    good("zero windows")
for one in silent[:150]:  # in the middle of a request: none of them has ended one
    one.close()
good("resets")
one = shut[0]
one.seq, one.window = one.seq + 1, 65535
if not one.wait(lambda: len(one.data) > 30000, lambda: one.send(ACK)):
    sys.exit("the window is open again, and %d bytes came" % len(one.data))
good("at last")
print("served")
P
machine=pc
[ "$1" != e1000e ] || machine=q35
ports=$(python3 -c '
import socket
pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
for one in pair:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in pair))')
ours=${ports% *} theirs=${ports#* }
timeout $((240 * ${SLOW:-1})) "$OURO" run -v --memory 64M --medium direct --net none --append ip=10.0.2.15/24,gw=10.0.2.2 \
    --qemu-arg -netdev --qemu-arg "socket,id=net,udp=127.0.0.1:$ours,localaddr=127.0.0.1:$theirs" \
    --machine "$machine" --qemu-arg -device --qemu-arg "$1,netdev=net,romfile=" --timeout $((220 * ${SLOW:-1})) server.c >out 2>err </dev/null &
machine_run=$!
until grep -q ready out || ! kill -0 "$machine_run" 2>/dev/null; do
    sleep 0.1
done
python3 wire.py "$ours" "$theirs" || { bad 'the server under floods'; show err; }
kill "$machine_run"
wait "$machine_run" 2>/dev/null
finish
