#!/bin/bash
# SPDX-License-Identifier: MIT
# storm.sh MACHINE [CARD]: a server of the machine stays well through virtio-net, or e1000 or e1000e: 1,000 connections at
# once, 10,000 short ones (pc: 3,000) from one address (STORM=20000: more), resets in the middle of a request, readers that do not read,
# on this computer and in the machine. Afterwards sockets, the stack's memory, the card's buffers and the machine's memory are
# what they were before. Other cards have the thousand and the resets. A crash names the connection that was served.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
ulimit -n 4096 2>/dev/null || ulimit -n "$(ulimit -H -n)"
machine=$1 card=${2:-virtio}
if [ "$card" != virtio ]; then
    edit_qemu
    EDIT="s/^virtio-net-pci,.*/$card,netdev=net,romfile=/"
fi

cat >server.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* A request is a line: "hello", "large" (1 MiB), "state" (/proc/net/sockstat and dev, and MemFree),
 * "bulk" (what follows is thrown away), "deaf" (nothing more is read, until another one says "listen"), "crash". */
#define LARGE (1 << 20)
static struct client { char line[16]; size_t length, left; int bulk, deaf; } clients[4096];
static char large[LARGE];
static int epoll;

static void watch(int fd, uint32_t events, int how)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(epoll, how, fd, &event);
}

static void send_large(int fd)
{
    struct client *c = &clients[fd];
    while (c->left > 0) {
        ssize_t sent = send(fd, large + LARGE - c->left, c->left, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            watch(fd, EPOLLOUT | EPOLLIN, EPOLL_CTL_MOD);
            return;
        }
        if (sent <= 0) {
            close(fd);
            return;
        }
        c->left -= (size_t)sent;
    }
    watch(fd, EPOLLIN, EPOLL_CTL_MOD);
}

static void state(int fd)
{
    char text[4096];
    size_t size = 0;
    const char *const files[] = {"/proc/net/sockstat", "/proc/net/dev", "/proc/meminfo"};
    for (int i = 0; i < 3; i++) {
        int file = open(files[i], O_RDONLY);
        ssize_t got = read(file, text + size, 1300);
        size += got > 0 ? (size_t)got : 0;
        close(file);
    }
    send(fd, text, size, MSG_NOSIGNAL);
    close(fd);
}

static void hear_all(void)
{
    for (int fd = 0; fd < 4096; fd++)
        if (clients[fd].deaf) {
            clients[fd].deaf = 0;
            clients[fd].bulk = 1;
            watch(fd, EPOLLIN, EPOLL_CTL_ADD);
        }
}

static void serve(int fd)
{
    static char away[65536];
    struct client *c = &clients[fd];
    ssize_t got = 1;
    while (c->bulk && got > 0) {
        got = read(fd, away, sizeof away);
        c->left += got > 0 ? (size_t)got : 0;
    }
    if (c->bulk && got == 0) {
        send(fd, away, (size_t)snprintf(away, sizeof away, "%zu\n", c->left), MSG_NOSIGNAL);
        c->bulk = 0;
        c->left = 0;
        close(fd);
    }
    if (c->bulk || got == 0)
        return;
    got = read(fd, c->line + c->length, sizeof c->line - 1 - c->length);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        close(fd);
        return;
    }
    c->length += (size_t)got;
    if (!memchr(c->line, '\n', c->length))
        return;
    c->length = 0;
    if (c->line[0] == 'd') {
        c->deaf = 1;
        epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
    } else if (c->line[0] == 'l' && c->line[1] == 'i') {
        hear_all();
        send(fd, "heard\n", 6, MSG_NOSIGNAL);
    } else if (c->line[0] == 's') {
        state(fd);
    } else if (c->line[0] == 'l') {
        c->left = LARGE;
        send_large(fd);
    } else if (c->line[0] == 'b') {
        c->bulk = 1;
    } else if (c->line[0] == 'c') {
        *(volatile int *)NULL = 1;
    } else {
        send(fd, "hello\n", 6, MSG_NOSIGNAL);
    }
}

int main(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8080)};
    struct rlimit most = {4096, 4096};
    setrlimit(RLIMIT_NOFILE, &most);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)(i * 7 + i / 256);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(server, (struct sockaddr *)&at, sizeof at) || listen(server, 1024))
        return 1;
    epoll = epoll_create1(0);
    watch(server, EPOLLIN, EPOLL_CTL_ADD);
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[64];
        int count = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd, one;
            if (fd != server && !clients[fd].bulk && clients[fd].left > 0) {
                send_large(fd);
            } else if (fd != server) {
                serve(fd);
            } else {
                while ((one = accept4(server, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    clients[one] = (struct client){0};
                    watch(one, EPOLLIN, EPOLL_CTL_ADD);
                }
            }
        }
    }
}
C
cat >client.py <<'P'
import os, re, socket, struct, sys, time

PORT, CARD = int(sys.argv[1]), sys.argv[3]
LARGE = bytes((i * 7 + i // 256) & 255 for i in range(1 << 20))

def connect():
    return socket.create_connection(("127.0.0.1", PORT), timeout=240)

def whole(s, size):
    data = b""
    while len(data) < size and (more := s.recv(size - len(data))):
        data += more
    return data

def hello(s):
    s.sendall(b"hello\n")
    if (answer := whole(s, 6)) != b"hello\n":
        sys.exit("the answer is %r" % answer)

def state():
    with connect() as s:
        s.sendall(b"state\n")
        text = b""
        while more := s.recv(4096):
            text += more
    text = text.decode()
    return {"sockets": int(re.search(r"sockets: used (\d+)", text)[1]), "tcp": int(re.search(r"TCP: inuse (\d+)", text)[1]),
            "tw": int(re.search(r" tw (\d+)", text)[1]), "pages": int(re.search(r"TCP:.* mem (\d+)", text)[1]),
            "free": int(re.search(r"MemFree: *(\d+)", text)[1]), "dropped": int(re.search(r"eth0:(?: *\d+){3} +(\d+)", text)[1])}

def one():
    with connect() as s:
        hello(s)

def at_once():
    all = [connect() for _ in range(1000)]
    for _ in range(2):
        for s in all:
            s.sendall(b"hello\n")
        for s in all:
            if whole(s, 6) != b"hello\n":
                sys.exit("one of a thousand has no answer")
    for s in all:
        s.close()

def short(count):
    for _ in range(count):
        one()

def bulk():
    """Bursts that empty the card's ring, again and again; then the machine answers still."""
    for _ in range(3 if CARD == "virtio" else 1):
        with connect() as s:
            s.settimeout(240)
            s.sendall(b"bulk\n")
            for _ in range(1600):
                s.sendall(bytes(65536))
        one()


def resets():
    for i in range(300):
        s = connect()
        s.sendall((b"hel", b"large\n", b"")[i % 3])
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
        if i % 10 == 0:
            one()

def slow():
    """Forty readers that do not read: what is sent to them takes memory, and others are served."""
    readers = [connect() for _ in range(40)]
    for s in readers:
        s.sendall(b"large\n")
    for _ in range(100):
        one()
    for s in readers:
        if whole(s, len(LARGE)) != LARGE:
            sys.exit("a slow reader got other bytes")
        s.close()

def deaf():
    """Connections of which the machine's program reads nothing, though more comes than there are buffers for, and others that
    get a byte at a time: others are served, and nothing is lost."""
    large, crumbs = [connect() for _ in range(150)], [connect() for _ in range(40)]
    for s in large + crumbs:
        s.sendall(b"deaf\n")
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    one()
    left = {}
    for s in large:
        s.setblocking(False)
        left[s] = 100000
        try:
            while left[s] > 0:
                left[s] -= s.send(bytes(min(left[s], 10000)))
        except BlockingIOError:
            pass
        s.settimeout(240)
    for _ in range(300):
        for s in crumbs:
            s.sendall(b"x")
    for _ in range(50):
        one()
    print("deaf: %s" % state(), flush=True)
    with connect() as s:
        s.sendall(b"listen\n")
        if whole(s, 6) != b"heard\n":
            sys.exit("nobody heard")
    for s in large + crumbs:
        s.sendall(bytes(left.get(s, 0)))
        s.shutdown(socket.SHUT_WR)
    for s in large + crumbs:
        wanted = 100000 if s in left else 300
        if (counted := s.recv(20)) != b"%d\n" % wanted:
            sys.exit("%d bytes were sent, and %r came" % (wanted, counted))
        s.close()

def timed(what, function, *arguments):
    start = time.time()
    function(*arguments)
    print("%s: %.1f s, %s" % (what, time.time() - start, state()), flush=True)

def settled(before, limit):
    """Sockets as before, and memory too but for connections in TIME-WAIT and what is kept ready."""
    end = time.time() + limit
    while True:
        now = state()
        waits = max(0, now["tw"] - before["tw"])
        if now["sockets"] <= before["sockets"] and now["tcp"] <= before["tcp"] and \
                now["pages"] <= before["pages"] + 2 + waits / 8 and now["free"] >= before["free"] - 1024 - waits / 2:
            return
        if time.time() > end:
            sys.exit("before: %s, afterwards: %s" % (before, now))
        time.sleep(1)

for _ in range(100):
    try:
        one()
        break
    except OSError:
        time.sleep(0.2)
timed("bulk", bulk)
timed("a thousand at once", at_once)  # also what is made once
if CARD == "virtio":
    timed("deaf readers", deaf)
timed("settled", time.sleep, 1)
before = state()
timed("a thousand at once", at_once)
timed("resets", resets)
if CARD == "virtio":
    timed("short", short, int(os.environ.get("STORM", 10000 if sys.argv[2] == "microvm" else 3000)))
    timed("slow readers", slow)
    timed("deaf readers", deaf)
timed("settled", settled, before, 60)
with connect() as s:
    s.sendall(b"crash\n")
    try:
        s.recv(1)
    except OSError:
        pass
P
timeout $((1000 * ${SLOW:-1})) "$OURO" run -v -p 0:8080 --memory 64M --medium direct --machine "$machine" --timeout $((900 * ${SLOW:-1})) server.c >out 2>err </dev/null &
machine_run=$!
until grep -q ready out || ! kill -0 "$machine_run" 2>/dev/null; do
    sleep 0.1
done
port=$(sed -n 's/^ouro: http:.* port \([0-9]*\) of this computer is .*/\1/p' err)
python3 client.py "$port" "$machine" "$card" || { bad "$machine"; show err; }
waited=0
until grep -q '^==== CRASH: ' err || ! kill -0 "$machine_run" 2>/dev/null || [ $((waited += 1)) -gt 600 ]; do
    sleep 0.1
done
kill "$machine_run" 2>/dev/null
wait "$machine_run" 2>/dev/null
grep -Eq '^  serving 10\.0\.2\.15:8080 from 10\.0\.2\.2:[1-9][0-9]*$' err || { bad 'the report names no connection'; show err; }
finish
