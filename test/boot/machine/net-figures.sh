#!/bin/sh
# SPDX-License-Identifier: MIT
# net-figures.sh: instructions of the whole machine, counted by QEMU (-icount), through virtio-net and QEMU's user network:
# at most 9,500 for a segment of 1,460 bytes of a bulk transfer each way; at most 12,000 from a frame in to the return of
# read(), with its acknowledgement; and ten times the same load takes the same number of them for a request, each within 1 %
# of the median.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1

cat >server.c <<'C'
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
/* The first byte says what a connection is for: 'i' bytes are read until their end, 'o' 16 MiB are written, 'r' a request of
 * 64 bytes has an answer of 256, again and again. The next connection gets the instructions that the last one took. */
static char bytes[1 << 16];
static unsigned long busy(void)
{
    struct timespec now;
    unsigned long idle = 0;
    char text[4096] = "";
    FILE *file = fopen("/proc/ouro", "r");
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    if (size > 0 && strstr(text, "\nidle: "))
        idle = strtoul(strstr(text, "\nidle: ") + 7, NULL, 10);
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long)now.tv_sec * 1000000000 + (unsigned long)now.tv_nsec - idle;
}
int main(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8080)};
    int server = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    unsigned long last = 0;
    if (bind(server, (struct sockaddr *)&at, sizeof at) || listen(server, 16) || write(1, "ready\n", 6) != 6)
        return 1;
    for (;;) {
        int one = accept(server, NULL, NULL);
        char what;
        setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (read(one, &what, 1) != 1) {
            close(one);
            continue;
        }
        unsigned long start = busy();
        if (what == 'i')
            while (read(one, bytes, sizeof bytes) > 0)
                ;
        if (what == 'o')
            for (int i = 0; i < 256; i++)
                if (write(one, bytes, sizeof bytes) != sizeof bytes)
                    return 2;
        if (what == 'r')
            while (recv(one, bytes, 64, MSG_WAITALL) == 64 && write(one, bytes, 256) == 256)
                ;
        if (what == '?') {
            int size = snprintf(bytes, sizeof bytes, "%lu", last);
            if (write(one, bytes, (size_t)size) != size)
                return 3;
        } else {
            last = busy() - start;
        }
        close(one);
    }
}
C
cat >client.py <<'P'
import socket, sys, time

def connect(what):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=60)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.sendall(what)
    return s

def whole(s, size):
    while size > 0 and (more := s.recv(size)):
        size -= len(more)
    return size == 0

def taken():
    with connect(b"?") as s:
        return int(s.recv(100))

def judge(what, figure, most):
    print("%s: %d, at most %d" % (what, figure, most), flush=True)
    if not 0 < figure <= most:
        sys.exit("%s takes %d instructions, and may take %d" % (what, figure, most))

SIZE = 16 << 20
for times in range(2):  # the first warms up
    with connect(b"o") as s:
        whole(s, SIZE) or sys.exit("not all bytes came")
    out = taken()
    with connect(b"i") as s:
        s.sendall(bytes(SIZE))
        s.shutdown(socket.SHUT_WR)
        s.recv(1)
    into = taken()
judge("a segment out", out * 1460 // SIZE, 9500)
judge("a segment in", into * 1460 // SIZE, 9500)
with connect(b"i") as s:
    for i in range(1000):
        s.sendall(b"x")
        time.sleep(0.001)
    s.shutdown(socket.SHUT_WR)
    s.recv(1)
judge("a frame to the return of read()", taken() // 1000, 12000)

def ten_loads():
    """Instructions a request, of ten loads; True if each is within 1 % of the median. Of fifteen those that took the least
    time: the others waited for this computer, and the machine's clock went on."""
    loads = []
    for times in range(15):
        with connect(b"r") as s:
            start = time.time()
            for i in range(300):
                time.sleep(0.001)  # the machine is idle, or a request would find it awake and take less
                s.sendall(bytes(64))
                whole(s, 256) or sys.exit("no answer")
            took = time.time() - start
        loads.append((took, taken() // 300))
    loads = [load for took, load in sorted(loads)[:10]]
    print("requests:", loads, flush=True)
    median = sorted(loads)[5]
    return all(abs(load - median) <= median / 100 for load in loads)

# The machine's ticks and acknowledgements that wait for time count too, and so does what else this computer does.
if not any(ten_loads() for attempt in range(3)):
    sys.exit("requests do not take the same number of instructions")
P
timeout 280 "$OURO" run -v --medium direct -p 0:8080 --qemu-arg -icount --qemu-arg shift=0,sleep=on \
    --append 'tsc=1000000000 norandmaps' --timeout 260 server.c >out 2>err </dev/null &
machine_run=$!
until grep -q ready out || ! kill -0 "$machine_run" 2>/dev/null; do
    sleep 0.1
done
port=$(sed -n 's/^ouro: http:.* port \([0-9]*\) of this computer is .*/\1/p' err)
python3 client.py "$port" || { bad 'the figures'; show err; }
kill "$machine_run"
wait "$machine_run" 2>/dev/null
finish
