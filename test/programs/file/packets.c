/* SPDX-License-Identifier: MIT */
/* Pipes with O_DIRECT: packets, what they take of the capacity, and how they mix with bytes. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

static char buffer[100000];
static int p[2];

static void fresh(int flags)
{
    close(p[0]);
    close(p[1]);
    result("pipe", pipe2(p, flags | O_NONBLOCK));
}

static void got(const char *what, size_t size)
{
    memset(buffer, '.', sizeof buffer);
    ssize_t n = read(p[0], buffer, size);
    printf("%s: %zd '%.*s'\n", what, n, n > 0 && n < 40 ? (int)n : 0, buffer);
}

static void ready(const char *what)
{
    struct pollfd f[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}};
    int used = -1;
    poll(f, 2, 0);
    ioctl(p[0], FIONREAD, &used);
    printf("%s: readable %d writable %d, %d bytes\n", what, f[0].revents, f[1].revents, used);
}

static long filled(size_t size)
{
    long total = 0, n;
    while ((n = write(p[1], buffer, size)) > 0)
        total += n;
    return total;
}

static void packets(void)
{
    fresh(O_DIRECT);
    printf("flags %o %o\n", fcntl(p[0], F_GETFL), fcntl(p[1], F_GETFL));
    write(p[1], "one", 3);
    write(p[1], "second", 6);
    write(p[1], "third", 5);
    ready("three packets");
    got("whole", 100);
    got("cut", 3);
    got("its rest is gone", 100);
    got("nothing", 100);
    write(p[1], "", 0);
    got("no empty packet", 100);
    struct iovec parts[2] = {{"ab", 2}, {"cd", 2}};
    writev(p[1], parts, 2);
    write(p[1], "x", 1);
    struct iovec into[2] = {{buffer, 3}, {buffer + 50, 40}};
    result("a packet over two buffers", readv(p[0], into, 2));
    got("the next", 100);
    result("bad buffer", write(p[1], (void *)8, 10));
    write(p[1], "kept", 4);
    result("bad buffer", read(p[0], (void *)8, 10));
    got("the packet is still there", 100);
    got("nothing", 100);
}

static void mixed(void)
{
    fresh(0);
    write(p[1], "bytes", 5);
    result("packets from now on", fcntl(p[1], F_SETFL, O_DIRECT | O_NONBLOCK));
    write(p[1], "packet", 6);
    write(p[1], "other", 5);
    result("bytes again", fcntl(p[1], F_SETFL, O_NONBLOCK));
    write(p[1], "more", 4);
    got("some bytes", 3);
    got("the rest and the packet", 100);
    got("a packet", 100);
    got("bytes", 100);
    fcntl(p[1], F_SETFL, O_DIRECT | O_NONBLOCK);
    fcntl(p[0], F_SETFL, O_DIRECT | O_NONBLOCK);
    write(p[1], "abc", 3);
    fcntl(p[1], F_SETFL, O_NONBLOCK);
    write(p[1], "def", 3);
    got("up to the packet's end", 100);
    got("the bytes after it", 100);
}

static void capacity(void)
{
    fresh(O_DIRECT);
    printf("packets of 1 byte: %ld\n", filled(1));
    ready("full");
    result("smaller", fcntl(p[1], F_SETPIPE_SZ, 4096));
    got("one out", 1);
    ready("one out");
    result("a page fits", write(p[1], buffer, 4096));
    result("no more", write(p[1], buffer, 1));
    result("larger", fcntl(p[1], F_SETPIPE_SZ, 1 << 20));
    printf("packets of 1 byte: %ld\n", filled(1));
    fresh(O_DIRECT);
    printf("packets of 4095 bytes: %ld\n", filled(4095));
    fresh(O_DIRECT);
    result("a large write is cut in pages", write(p[1], buffer, 70000));
    got("a page", sizeof buffer);
    result("10000 bytes", write(p[1], buffer, 10000));
    for (int i = 0; i < 15; i++)
        read(p[0], buffer, sizeof buffer);
    got("the page", sizeof buffer);
    got("nothing", sizeof buffer);
    result("10000 bytes", write(p[1], buffer, 10000));
    got("a page", sizeof buffer);
    got("a page", sizeof buffer);
    got("the rest", sizeof buffer);
    int wrong = 0;
    for (int i = 0; i < 5000; i++) {
        memset(buffer, 'a' + i % 26, 4000);
        wrong += write(p[1], buffer, 1 + i % 3999) != 1 + i % 3999;
        wrong += read(p[0], buffer, sizeof buffer) != 1 + i % 3999 || buffer[0] != 'a' + i % 26;
    }
    printf("%d of 5000 packets wrong\n", wrong);
    result("flags", pipe2(p, O_APPEND));
}

int main(void)
{
    packets();
    mixed();
    capacity();
    return 0;
}
