#!/bin/bash
# SPDX-License-Identifier: MIT
# storm.sh MACHINE: a server of the machine stays well through virtio-net: 1,000 connections at once, 3,000 short ones from one
# address (STORM=20000: more), resets in the middle of a request, readers that do not read. Afterwards sockets and memory
# are what they were before. A crash names the connection that was served.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
ulimit -n 4096 2>/dev/null || ulimit -n "$(ulimit -H -n)"
machine=$1

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
 * "bulk" (what follows is thrown away), "crash". */
#define LARGE (1 << 20)
static struct client { char line[16]; size_t length, left; int bulk; } clients[4096];
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

static void serve(int fd)
{
    static char away[65536];
    struct client *c = &clients[fd];
    ssize_t got = 1;
    while (c->bulk && got > 0)
        got = read(fd, away, sizeof away);
    if (c->bulk && got == 0) {
        c->bulk = 0;
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
    if (c->line[0] == 's') {
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
            if (fd != server && clients[fd].left > 0) {
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

PORT = int(sys.argv[1])
LARGE = bytes((i * 7 + i // 256) & 255 for i in range(1 << 20))

def connect():
    return socket.create_connection(("127.0.0.1", PORT), timeout=60)

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
    for _ in range(3):
        with connect() as s:
            s.settimeout(60)
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

def timed(what, function, *arguments):
    start = time.time()
    function(*arguments)
    print("%s: %.1f s, %s" % (what, time.time() - start, state()), flush=True)

def settled(before, limit):
    """Sockets as before, and memory too but for what is kept ready."""
    end = time.time() + limit
    while True:
        now = state()
        if now["sockets"] <= before["sockets"] and now["tcp"] <= before["tcp"] and now["free"] >= before["free"] - 1024:
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
timed("settled", time.sleep, 1)
before = state()
timed("a thousand at once", at_once)
timed("short", short, int(os.environ.get("STORM", 3000)))
timed("resets", resets)
timed("slow readers", slow)
timed("settled", settled, before, 60)
with connect() as s:
    s.sendall(b"crash\n")
    try:
        s.recv(1)
    except OSError:
        pass
P
timeout $((1000 * ${SLOW:-1})) "$OURO" run -v -p 0:8080 --medium direct --machine "$machine" --timeout $((900 * ${SLOW:-1})) server.c >out 2>err </dev/null &
machine_run=$!
until grep -q ready out || ! kill -0 "$machine_run" 2>/dev/null; do
    sleep 0.1
done
port=$(sed -n 's/^ouro: http:.* port \([0-9]*\) of this computer is .*/\1/p' err)
python3 client.py "$port" || { bad "$machine"; show err; }
waited=0
until grep -q '^==== CRASH: ' err || ! kill -0 "$machine_run" 2>/dev/null || [ $((waited += 1)) -gt 600 ]; do
    sleep 0.1
done
kill "$machine_run" 2>/dev/null
wait "$machine_run" 2>/dev/null
grep -Eq '^  serving 10\.0\.2\.15:8080 from 10\.0\.2\.2:[1-9][0-9]*$' err || { bad 'the report names no connection'; show err; }
finish
