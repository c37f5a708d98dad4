#!/bin/sh
# SPDX-License-Identifier: MIT
# A reader of stdout that stops for longer than the watchdog has patience, in the middle of 2 MiB: the writer sleeps, another
# thread goes on, every byte arrives. A writer that must not sleep gets EAGAIN, and poll() says when there is room.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
cat >writes.c <<'C'
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
static volatile unsigned worst; /* milliseconds between two turns of the other thread */
static unsigned now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned)(t.tv_sec * 1000 + t.tv_nsec / 1000000);
}
static void *ticker(void *unused)
{
    for (unsigned last = now(), next;; last = next) {
        usleep(10000);
        next = now();
        if (next - last > worst)
            worst = next - last;
    }
    return unused;
}
static unsigned slept; /* the longest write, or wait for room */
static unsigned refused;
static void put(const char *p, size_t size)
{
    while (size > 0) {
        unsigned start = now();
        ssize_t n = write(1, p, size);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd room = {1, POLLOUT, 0};
            refused++;
            if (poll(&room, 1, -1) != 1 || room.revents != POLLOUT)
                exit(3);
            n = 0;
        } else if (n <= 0) {
            exit(4);
        }
        p += n;
        size -= (size_t)n;
        if (now() - start > slept)
            slept = now() - start;
    }
}
int main(int argc, char **argv)
{
    pthread_t thread;
    char block[4096];
    pthread_create(&thread, 0, ticker, 0);
    if (argc > 1 && fcntl(1, F_SETFL, O_NONBLOCK) != 0)
        return 5;
    for (unsigned i = 0, k = 0; i < 512; i++) {
        for (unsigned j = 0; j < sizeof(block); j++)
            block[j] = (char)(k++ * 2654435761u >> 24); /* 0x10 too */
        put(block, sizeof(block));
    }
    fprintf(stderr, "slept %u worst %u refused %u\n", slept, worst, refused);
    (void)argv;
    return 7;
}
C
gcc -O1 -static -pthread -o writes writes.c || exit 1
./writes >expected 2>err
[ $? -eq 7 ] || bad "on Linux: $(cat err)"

# both WORDS...: with a reader that waits for 15 seconds after the first byte. After at most 8 all buffers are full, and the watchdog has 3.
refused=0
both() {
    { "$OURO" run --machine microvm --timeout $((200 * ${SLOW:-1})) ./writes "$@" 2>err </dev/null; echo $? >status; } |
        { dd bs=1 count=1 2>/dev/null; sleep $((15 * ${SLOW:-1})); cat; } >out
    [ "$(cat status)" = 7 ] || { bad "status $(cat status)"; show err; }
    cmp out expected || { bad "$(wc -c <out) of $(wc -c <expected) bytes are as on Linux"; show err; }
    # shellcheck disable=SC2046 # words
    set -- $(sed -n 's/^slept \([0-9]*\) worst \([0-9]*\) refused \([0-9]*\)$/\1 \2 \3/p' err)
    [ $# -eq 3 ] || { bad "no last line"; show err; return; }
    echo "the writer slept for $1 ms, the other thread at most $2 ms, refused $3 times"
    [ "$1" -ge 1000 ] || bad "the writer never slept: $1 ms"
    [ "$2" -lt 1000 ] || bad "the other thread did not go on for $2 ms"
    refused=$3
}
both
[ "$refused" -eq 0 ] || bad "EAGAIN without O_NONBLOCK"
# By the serial port: the kernel does not take a port of another name.
edit_qemu
EDIT='s/^virtserialport.*/virtserialport,nr=1,chardev=port,name=org.other.port/'
both without-sleep
[ "$refused" -gt 0 ] || bad "a full line took everything of O_NONBLOCK"
finish
