/* SPDX-License-Identifier: MIT */
/* The urgent byte (MSG_OOB) of a Unix stream, and options of sockets that are kept and returned. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"
#include "urgent.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void show_poll(const char *what)
{
    struct pollfd p = {.fd = end[1], .events = POLLIN | POLLPRI};
    int mark = -1;
    poll(&p, 1, 0);
    ioctl(end[1], SIOCATMARK, &mark);
    printf("%s: in %d, urgent %d, at the mark %d\n", what, !!(p.revents & POLLIN),
           !!(p.revents & POLLPRI), mark);
}

static void take(const char *what, int flags)
{
    char bytes[32] = "";
    ssize_t n = recv(end[1], bytes, sizeof(bytes) - 1, flags | MSG_DONTWAIT);
    if (n < 0)
        printf("%s: errno %d\n", what, errno);
    else
        printf("%s: %zd \"%.*s\"\n", what, n, (int)n, bytes);
}

static void pair(int type)
{
    close(end[0]);
    close(end[1]);
    socketpair(AF_UNIX, type, 0, end);
    fcntl(end[1], F_SETOWN, getpid());
}

static void streams(void)
{
    pair(SOCK_STREAM);
    take("nothing is urgent", MSG_OOB);
    show_poll("at first");
    result("abc!", send(end[0], "abc!", 4, MSG_OOB));
    show_poll("three bytes and an urgent one");
    take("a look at it", MSG_OOB | MSG_PEEK);
    take("it", MSG_OOB);
    take("it again", MSG_OOB);
    take("the rest", 0);

    result("de?", send(end[0], "de?", 3, MSG_OOB));
    result("fg", send(end[0], "fg", 2, 0));
    take("up to the mark", 0);
    show_poll("at the mark");
    take("the byte is passed over", 0);
    show_poll("behind");

    int on = 1;
    setsockopt(end[1], SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
    send(end[0], "hi.", 3, MSG_OOB);
    take("in line, asked for", MSG_OOB);
    take("in line, up to it", 0);
    take("in line, it", 0);
    result("nothing cannot be urgent", send(end[0], "", 0, MSG_OOB));
    truth("each urgent byte is a SIGURG", urgent_signals == 3);

    pair(SOCK_DGRAM);
    result("a datagram", send(end[0], "x", 1, MSG_OOB));
    take("from datagrams", MSG_OOB);
    pair(SOCK_STREAM);
    send(end[0], "z", 1, MSG_OOB);
    close(end[1]); /* an urgent byte that nobody takes */
    end[1] = -1;
}

static void option(const char *what, int name, int value)
{
    int got = -7;
    socklen_t size = sizeof(got);
    result(what, setsockopt(end[0], SOL_SOCKET, name, &value, sizeof(value)));
    if (getsockopt(end[0], SOL_SOCKET, name, &got, &size) == 0)
        printf(" now %d, %u bytes\n", got, size);
    else
        printf(" errno %d\n", errno);
}

static void options(void)
{
    pair(SOCK_STREAM);
    option("SO_PASSSEC", 34, 5);
    option("SO_TIMESTAMP", 29, 1);
    option("SO_TIMESTAMPNS", 35, 1);
    option("SO_TIMESTAMP off", 29, 0);
    option("SO_MARK", 36, 77);
    option("SO_NOFCS", 43, 1);
    option("SO_SELECT_ERR_QUEUE", 45, 1);
    option("SO_BUSY_POLL", 46, 50);
    option("SO_BUSY_POLL below 0", 46, -1);
    option("SO_MAX_PACING_RATE", 47, 1000000);
    option("SO_DETACH_FILTER", 27, 0);
    option("SO_REUSEPORT of a Unix socket", 15, 1);
    uint64_t cookie[2] = {0, 0};
    socklen_t size = sizeof(cookie[0]);
    result("SO_COOKIE", getsockopt(end[0], SOL_SOCKET, 57, &cookie[0], &size));
    getsockopt(end[1], SOL_SOCKET, 57, &cookie[1], &size);
    truth("is a number for each", cookie[0] != 0 && cookie[0] != cookie[1] && size == 8);
    size = 4;
    result("in four bytes", getsockopt(end[0], SOL_SOCKET, 57, &cookie[0], &size));
    char name[110];
    size = 2;
    result("SO_PEERNAME", getsockopt(end[0], SOL_SOCKET, 28, name, &size));
    size = sizeof(name);
    result("with more room than the name", getsockopt(end[0], SOL_SOCKET, 28, name, &size));
}

int main(void)
{
    signal(SIGURG, on_urgent);
    end[0] = end[1] = -1;
    streams();
    options();
    return 0;
}
