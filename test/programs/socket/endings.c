/* SPDX-License-Identifier: MIT */
/* Connections of TCP over the loopback interface: how they end; ports, backlogs, and sockets of both families at once. */
#define _GNU_SOURCE
#include "socket/internet.h"

#include <netinet/tcp.h>
#include <stdlib.h>

static int pipes_signalled;
static char buffer[100];

static void on_pipe(int number)
{
    (void)number;
    pipes_signalled++;
}

static void half_closed(void)
{
    int ends[2];
    pair(ends);
    result("shutdown", shutdown(ends[0], SHUT_WR));
    events("end", ends[1], POLLIN);
    now("of the other", ends[1]);
    now("of this", ends[0]);
    result("recv", recv(ends[1], buffer, 1, 0));
    result("recv", recv(ends[1], buffer, 1, 0));
    pipes_signalled = 0;
    result("send", send(ends[0], "x", 1, 0));
    printf("signalled %d\n", pipes_signalled);
    result("the other sends", send(ends[1], "still", 5, 0));
    events("data", ends[0], POLLIN);
    result("recv", recv(ends[0], buffer, 10, 0));
    result("the other shuts", shutdown(ends[1], SHUT_WR));
    events("end", ends[0], POLLIN);
    now("both shut", ends[0]);
    now("both shut", ends[1]);
    result("recv", recv(ends[0], buffer, 10, 0));
    close(ends[0]);
    close(ends[1]);
    pair(ends);
    result("shutdown of reading", shutdown(ends[0], SHUT_RD));
    now("not reading", ends[0]);
    result("recv", recv(ends[0], buffer, 10, 0));
    result("the other sends", send(ends[1], "data", 4, 0));
    usleep(20000);
    result("recv", recv(ends[0], buffer, 10, MSG_DONTWAIT));
    result("send", send(ends[0], "back", 4, 0));
    result("recv", recv(ends[1], buffer, 10, 0));
    close(ends[0]);
    close(ends[1]);
}

static void resets(void)
{
    int ends[2];
    struct linger linger = {1, 0};
    pair(ends);
    setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(ends[0]);
    events("reset", ends[1], POLLIN);
    now("reset", ends[1]);
    pipes_signalled = 0;
    result("recv", recv(ends[1], buffer, 1, 0));
    result("recv", recv(ends[1], buffer, 1, 0));
    result("send", send(ends[1], "x", 1, 0));
    printf("signalled %d\n", pipes_signalled);
    now("after it", ends[1]);
    union address a;
    socklen_t size = sizeof a;
    result("getpeername", getpeername(ends[1], &a.any, &size));
    result("connect", connect_to(ends[1], 1));
    close(ends[1]);
    /* Bytes that nobody has read. */
    pair(ends);
    send(ends[0], "unread", 6, 0);
    events("data", ends[1], POLLIN);
    close(ends[1]);
    events("reset", ends[0], POLLIN);
    result("send", send(ends[0], "x", 1, MSG_NOSIGNAL));
    result("send", send(ends[0], "x", 1, MSG_NOSIGNAL));
    result("recv", recv(ends[0], buffer, 1, 0));
    close(ends[0]);
    /* Data before the reset is still there. */
    pair(ends);
    send(ends[0], "before", 6, 0);
    events("data", ends[1], POLLIN);
    setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(ends[0]);
    usleep(20000);
    result("recv", recv(ends[1], buffer, 10, 0));
    result("recv", recv(ends[1], buffer, 10, 0));
    close(ends[1]);
}

static void more_resets(void)
{
    int ends[2];
    struct linger linger = {1, 2};
    pair(ends);
    /* The peer is closed: the first send makes it reset the connection. */
    close(ends[1]);
    events("end", ends[0], POLLIN);
    result("send", send(ends[0], "x", 1, MSG_NOSIGNAL));
    events("reset", ends[0], POLLHUP);
    result("SO_ERROR", error_of(ends[0]));
    result("send", send(ends[0], "x", 1, MSG_NOSIGNAL));
    result("recv", recv(ends[0], buffer, 1, 0));
    close(ends[0]);
    /* A listener that is closed with a connection in its queue. */
    int l = listener(5), fd = new_socket(0);
    connect_to(fd, port_of(l));
    close(l);
    events("reset", fd, POLLIN);
    result("recv", recv(fd, buffer, 1, 0));
    close(fd);
    pair(ends);
    setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    send(ends[0], "lingers", 7, 0);
    result("close", close(ends[0]));
    result("recv", recv(ends[1], buffer, 10, 0));
    result("recv", recv(ends[1], buffer, 10, 0));
    close(ends[1]);
}

static void ports(void)
{
    int on = 1, l = listener(1), port = port_of(l), fd = new_socket(0);
    union address a;
    socklen_t size = loopback(&a, port);
    result("bind, in use", bind(fd, &a.any, size));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    result("bind, reuse of one", bind(fd, &a.any, size));
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    result("bind, of a listener", bind(fd, &a.any, size));
    close(l);
    result("bind, free", bind(fd, &a.any, size));
    int other = new_socket(0);
    result("bind, in use", bind(other, &a.any, size));
    setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    result("bind, reuse of both", bind(other, &a.any, size));
    result("listen", listen(fd, 1));
    result("listen of the second", listen(other, 1));
    close(fd);
    close(other);
    /* SO_REUSEPORT */
    int group[3];
    port = 0;
    for (int i = 0; i < 3; i++) {
        group[i] = new_socket(SOCK_NONBLOCK);
        setsockopt(group[i], SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        size = loopback(&a, port);
        result("bind, SO_REUSEPORT", bind(group[i], &a.any, size));
        result("listen", listen(group[i], 100));
        port = port_of(group[i]);
    }
    int accepted = 0, used = 0;
    int clients[60];
    for (int i = 0; i < 60; i++) {
        clients[i] = new_socket(0);
        if (connect_to(clients[i], port) != 0)
            perror("connect");
    }
    usleep(20000);
    for (int i = 0; i < 3; i++) {
        int own = 0, end;
        while ((end = accept(group[i], NULL, NULL)) >= 0) {
            own++;
            close(end);
        }
        accepted += own;
        used += own > 0;
    }
    printf("accepted %d by %d\n", accepted, used);
    for (int i = 0; i < 60; i++)
        close(clients[i]);
    for (int i = 0; i < 3; i++)
        close(group[i]);
    fd = new_socket(0);
    size = loopback(&a, port);
    result("bind after the server's connections", bind(fd, &a.any, size));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    result("with SO_REUSEADDR", bind(fd, &a.any, size));
    close(fd);
}

static void backlog(void)
{
    int l = listener(0), first = new_socket(SOCK_NONBLOCK), second = new_socket(SOCK_NONBLOCK);
    connect_to(first, port_of(l));
    events("first", first, POLLOUT);
    int third = new_socket(SOCK_NONBLOCK);
    connect_to(second, port_of(l));
    connect_to(third, port_of(l));
    usleep(20000);
    struct pollfd p = {third, POLLOUT, 0};
    printf("third: %d\n", poll(&p, 1, 0));
    result("connect", connect_to(third, port_of(l)));
    int end = accept(l, NULL, NULL);
    truth("accept", end >= 0);
    close(end);
    close(l);
    close(first);
    close(second);
    close(third);
}

static void deferred(void)
{
    int l = new_socket(SOCK_NONBLOCK), seconds = 5, silent = new_socket(0), speaks = new_socket(0);
    union address a;
    socklen_t size = loopback(&a, 0);
    char c;
    setsockopt(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
    bind(l, &a.any, size);
    listen(l, 5);
    result("connect", connect_to(silent, port_of(l)));
    result("connect", connect_to(speaks, port_of(l)));
    usleep(20000);
    now("deferred", l);
    result("accept", accept(l, NULL, NULL));
    result("send", send(speaks, "x", 1, 0));
    events("deferred", l, POLLIN);
    int end = accept(l, NULL, NULL);
    result("recv", recv(end, &c, 1, 0));
    result("accept", accept(l, NULL, NULL));
    close(l);
    close(silent);
    close(speaks);
    close(end);
}

static void both_families(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    union address a = {0};
    socklen_t size;
    char text[64];
    a.in6.sin6_family = AF_INET6;
    result("bind", bind(fd, &a.any, sizeof a.in6));
    result("listen", listen(fd, 5));
    int port = port_of(fd), other = socket(AF_INET, SOCK_STREAM, 0);
    memset(&a, 0, sizeof a);
    a.in.sin_family = AF_INET;
    a.in.sin_port = htons((uint16_t)port);
    result("bind of IPv4", bind(other, &a.any, sizeof a.in));
    a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    result("connect by IPv4", connect(client, &a.any, sizeof a.in));
    size = sizeof a;
    int end = accept(fd, &a.any, &size);
    printf("size %u, %s\n", size, inet_ntop(AF_INET6, &a.in6.sin6_addr, text, sizeof text));
    size = sizeof a;
    getsockname(end, &a.any, &size);
    printf("%s\n", inet_ntop(AF_INET6, &a.in6.sin6_addr, text, sizeof text));
    result("send", send(client, "mapped", 6, 0));
    result("recv", recv(end, buffer, 10, 0));
    close(client);
    close(end);
    client = socket(AF_INET6, SOCK_STREAM, 0);
    memset(&a, 0, sizeof a);
    a.in6.sin6_family = AF_INET6;
    a.in6.sin6_port = htons((uint16_t)port);
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.in6.sin6_addr);
    result("connect to a mapped address", connect(client, &a.any, sizeof a.in6));
    size = sizeof a;
    getsockname(client, &a.any, &size);
    printf("%s\n", inet_ntop(AF_INET6, &a.in6.sin6_addr, text, sizeof text));
    close(client);
    close(other);
    close(fd);
}

static void one_family(void)
{
    int on = 1, fd = socket(AF_INET6, SOCK_STREAM, 0), client,
        other = socket(AF_INET, SOCK_STREAM, 0);
    union address a = {0};
    socklen_t size;
    char text[64];
    result("IPV6_V6ONLY", setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
    memset(&a, 0, sizeof a);
    a.in6.sin6_family = AF_INET6;
    result("bind", bind(fd, &a.any, sizeof a.in6));
    result("listen", listen(fd, 5));
    result("IPV6_V6ONLY, bound", setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
    int port = port_of(fd);
    client = socket(AF_INET, SOCK_STREAM, 0);
    memset(&a, 0, sizeof a);
    a.in.sin_family = AF_INET;
    a.in.sin_port = htons((uint16_t)port);
    a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    result("connect by IPv4", connect(client, &a.any, sizeof a.in));
    a.in.sin_addr.s_addr = 0;
    result("bind of IPv4", bind(other, &a.any, sizeof a.in));
    close(client);
    client = socket(AF_INET6, SOCK_STREAM, 0);
    memset(&a, 0, sizeof a);
    a.in6.sin6_family = AF_INET6;
    a.in6.sin6_port = htons((uint16_t)port);
    result("connect to the wildcard", connect(client, &a.any, sizeof a.in6));
    size = sizeof a;
    getpeername(client, &a.any, &size);
    printf("%s\n", inet_ntop(AF_INET6, &a.in6.sin6_addr, text, sizeof text));
    close(client);
    close(other);
    close(fd);
}

int main(void)
{
    static const int families[] = {AF_INET, AF_INET6};
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, on_pipe);
    for (int i = 0; i < 2; i++) {
        family = families[i];
        printf("== family %d\n", family);
        half_closed();
        resets();
        more_resets();
        ports();
        backlog();
        deferred();
    }
    both_families();
    one_family();
    return 0;
}
