/* SPDX-License-Identifier: MIT */
/* Connections of TCP over the loopback interface, in both families: the result of every call, in every state. */
#define _GNU_SOURCE
#include "result.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

static int pipes_signalled, family;
static char buffer[1 << 20];

static void on_pipe(int number)
{
    (void)number;
    pipes_signalled++;
}

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage storage;
};

static socklen_t loopback(union address *a, int port)
{
    memset(a, 0, sizeof *a);
    a->any.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
        a->in.sin_port = htons((uint16_t)port);
        a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return sizeof a->in;
    }
    a->in6.sin6_port = htons((uint16_t)port);
    a->in6.sin6_addr = in6addr_loopback;
    return sizeof a->in6;
}

static int port_of(int fd)
{
    union address a = {0};
    socklen_t size = sizeof a;
    if (getsockname(fd, &a.any, &size) != 0)
        return -1;
    return ntohs(a.any.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
}

static int new_socket(int flags)
{
    return socket(family, SOCK_STREAM | flags, 0);
}

static int listener(int backlog)
{
    union address a;
    int fd = new_socket(0);
    socklen_t size = loopback(&a, 0);
    if (bind(fd, &a.any, size) != 0 || listen(fd, backlog) != 0)
        perror("listener");
    return fd;
}

static int connect_to(int fd, int port)
{
    union address a;
    socklen_t size = loopback(&a, port);
    return connect(fd, &a.any, size);
}

static void pair(int ends[2])
{
    int l = listener(5);
    ends[0] = new_socket(0);
    if (connect_to(ends[0], port_of(l)) != 0)
        perror("pair: connect");
    ends[1] = accept(l, NULL, NULL);
    if (ends[1] < 0)
        perror("pair: accept");
    close(l);
}

/* Waits until one of the events is there, at most 2 s, and prints the bits. */
static void events(const char *name, int fd, short wanted)
{
    struct pollfd p = {fd, wanted | POLLRDHUP, 0};
    int n = poll(&p, 1, wanted ? 2000 : 0);
    printf("%s: poll %d, %#x\n", name, n, p.revents);
}

static void now(const char *name, int fd)
{
    struct pollfd p = {
        fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI | POLLRDNORM | POLLWRNORM | POLLWRBAND, 0};
    poll(&p, 1, 0);
    printf("%s: events %#x\n", name, p.revents);
}

static int error_of(int fd)
{
    int value = -1;
    socklen_t size = sizeof value;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &size);
    return value;
}

static void fresh(void)
{
    char c;
    int fd = new_socket(0);
    union address a;
    socklen_t size = sizeof a;
    now("fresh", fd);
    result("fresh send", send(fd, "x", 1, 0));
    printf("signalled %d\n", pipes_signalled);
    result("fresh send without signal", send(fd, "x", 1, MSG_NOSIGNAL));
    printf("signalled %d\n", pipes_signalled);
    result("fresh recv", recv(fd, &c, 1, 0));
    result("fresh accept", accept(fd, NULL, NULL));
    result("fresh shutdown", shutdown(fd, SHUT_RDWR));
    now("fresh, shut", fd);
    close(fd);
    fd = new_socket(0);
    result("fresh getpeername", getpeername(fd, &a.any, &size));
    result("fresh getsockname", getsockname(fd, &a.any, &size));
    printf("size %u, port %d\n", size, port_of(fd));
    size = loopback(&a, 0);
    result("bind, short", bind(fd, &a.any, size - 6));
    a.any.sa_family = AF_UNIX;
    result("bind, family", bind(fd, &a.any, size));
    result("connect, family", connect(fd, &a.any, size));
    result("connect, short", connect(fd, &a.any, 1));
    result("connect, short", connect(fd, &a.any, 8));
    size = loopback(&a, 0);
    if (family == AF_INET)
        a.in.sin_addr.s_addr = htonl(0x08080808);
    else
        inet_pton(AF_INET6, "2001:db8::1", &a.in6.sin6_addr);
    result("bind, not local", bind(fd, &a.any, size));
    size = loopback(&a, 0);
    result("bind", bind(fd, &a.any, size));
    truth("port", port_of(fd) > 0);
    result("bind again", bind(fd, &a.any, size));
    now("bound", fd);
    result("listen, bad", listen(fd, -1));
    now("listening", fd);
    result("listen again", listen(fd, 3));
    result("connect a listener", connect_to(fd, port_of(fd)));
    result("recv of a listener", recv(fd, &c, 1, 0));
    result("send of a listener", send(fd, &c, 1, MSG_NOSIGNAL));
    int bytes;
    result("FIONREAD of a listener", ioctl(fd, FIONREAD, &bytes));
    result("shutdown of writing", shutdown(fd, SHUT_WR));
    now("still listening", fd);
    result("shutdown of a listener", shutdown(fd, SHUT_RD));
    now("not listening", fd);
    result("accept", accept(fd, NULL, NULL));
    close(fd);
    result("socket, protocol", socket(family, SOCK_STREAM, IPPROTO_UDP));
    result("socket, type", socket(family, SOCK_SEQPACKET, 0));
    result("socket, type", socket(family, SOCK_RDM, 0));
    result("socket, number", socket(family, SOCK_STREAM, 1000));
    result("socket, number", socket(family, SOCK_STREAM, -1));
    result("socketpair", socketpair(family, SOCK_STREAM, 0, (int[2]){0, 0}));
}

static void refused(void)
{
    int l = listener(1), port = port_of(l), fd = new_socket(0);
    close(l);
    result("connect, refused", connect_to(fd, port));
    now("refused", fd);
    result("connect again", connect_to(fd, port));
    close(fd);
    fd = new_socket(SOCK_NONBLOCK);
    result("connect, in progress", connect_to(fd, port));
    events("refused", fd, POLLOUT);
    now("refused", fd);
    result("connect, the error", connect_to(fd, port));
    now("after it", fd);
    result("connect, in progress", connect_to(fd, port));
    events("refused", fd, POLLOUT);
    printf("SO_ERROR %d\n", error_of(fd));
    printf("then %d\n", error_of(fd));
    result("connect after SO_ERROR", connect_to(fd, port));
    close(fd);
}

static void connecting(void)
{
    int l = listener(1), fd = new_socket(SOCK_NONBLOCK);
    union address a, b;
    socklen_t size = sizeof a;
    fcntl(l, F_SETFL, O_NONBLOCK);
    result("accept, none", accept(l, NULL, NULL));
    result("connect", connect_to(fd, port_of(l)));
    events("connected", fd, POLLOUT);
    printf("SO_ERROR %d\n", error_of(fd));
    result("connect, done", connect_to(fd, port_of(l)));
    result("connect, again", connect_to(fd, port_of(l)));
    events("listener", l, POLLIN);
    int end = accept4(l, &a.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    truth("accept", end >= 0);
    printf("size %u, flags %#x %#x\n", size, fcntl(end, F_GETFL), fcntl(end, F_GETFD));
    socklen_t other = sizeof b;
    getsockname(fd, &b.any, &other);
    truth("names agree", size == other && memcmp(&a, &b, size) == 0);
    size = sizeof a;
    result("getpeername", getpeername(end, &a.any, &size));
    truth("names agree", size == other && memcmp(&a, &b, size) == 0);
    size = 3;
    result("getpeername, short", getpeername(end, &a.any, &size));
    printf("size %u\n", size);
    now("connected", fd);
    now("accepted", end);
    result("bind", bind(fd, &b.any, other));
    result("listen", listen(fd, 1));
    result("accept", accept(fd, NULL, NULL));
    result("recv, nothing", recv(end, buffer, 1, 0));
    result("sendto with an address", sendto(fd, "x", 1, 0, &b.any, other));
    events("data", end, POLLIN);
    size = sizeof a;
    result("recvfrom", recvfrom(end, buffer, 1, 0, &a.any, &size));
    printf("size %u\n", size);
    close(fd);
    close(end);
    close(l);
}

static void data(void)
{
    int ends[2], bytes;
    pair(ends);
    result("send", send(ends[0], "hello, world", 12, 0));
    events("data", ends[1], POLLIN);
    ioctl(ends[1], FIONREAD, &bytes);
    printf("FIONREAD %d\n", bytes);
    result("recv, nothing asked", recv(ends[1], buffer, 0, 0));
    result("peek", recv(ends[1], buffer, 5, MSG_PEEK));
    printf("%.5s\n", buffer);
    result("peek, all", recv(ends[1], buffer, 100, MSG_PEEK));
    result("truncate", recv(ends[1], buffer, 2, MSG_TRUNC));
    result("read", read(ends[1], buffer, 5));
    printf("%.5s\n", buffer);
    result("read", read(ends[1], buffer, 100));
    printf("%.5s\n", buffer);
    result("recv, nothing", recv(ends[1], buffer, 1, MSG_DONTWAIT));
    result("oob", recv(ends[1], buffer, 1, MSG_OOB));
    result("error queue", recv(ends[1], buffer, 1, MSG_ERRQUEUE));
    struct iovec iov[3] = {{"one ", 4}, {"two ", 4}, {"three", 5}};
    result("writev", writev(ends[1], iov, 3));
    result("recv of all", recv(ends[0], buffer, 13, MSG_WAITALL));
    printf("%.13s\n", buffer);
    result("send of nothing", send(ends[0], "", 0, 0));
    result("write of nothing", write(ends[0], "", 0));
    result("recv, nothing", recv(ends[1], buffer, 1, MSG_DONTWAIT));
    result("bad address", send(ends[0], (void *)8, 10, 0));
    result("send before", send(ends[0], "abc", 3, 0));
    events("data", ends[1], POLLIN);
    result("bad address", recv(ends[1], (void *)8, 10, 0));
    result("recv", recv(ends[1], buffer, 10, 0));
    int low = 4;
    setsockopt(ends[1], SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
    send(ends[0], "abc", 3, 0);
    usleep(50000);
    now("below SO_RCVLOWAT", ends[1]);
    send(ends[0], "d", 1, 0);
    events("at SO_RCVLOWAT", ends[1], POLLIN);
    result("recv", recv(ends[1], buffer, 10, 0));
    struct timeval time = {0, 30000};
    setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    result("recv, time-out", recv(ends[1], buffer, 10, 0));
    /* MSG_MORE keeps bytes together. */
    send(ends[0], "first ", 6, MSG_MORE);
    send(ends[0], "second", 6, 0);
    low = 1;
    setsockopt(ends[1], SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
    result("recv of all", recv(ends[1], buffer, 12, MSG_WAITALL));
    int cork = 1;
    setsockopt(ends[0], IPPROTO_TCP, TCP_CORK, &cork, sizeof cork);
    send(ends[0], "corked", 6, 0);
    usleep(20000);
    result("recv, corked", recv(ends[1], buffer, 100, MSG_DONTWAIT));
    cork = 0;
    setsockopt(ends[0], IPPROTO_TCP, TCP_CORK, &cork, sizeof cork);
    events("uncorked", ends[1], POLLIN);
    result("recv", recv(ends[1], buffer, 100, 0));
    close(ends[0]);
    close(ends[1]);
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
    /* The peer is closed: the first send makes it reset the connection. */
    pair(ends);
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
    linger.l_linger = 2;
    pair(ends);
    setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    send(ends[0], "lingers", 7, 0);
    result("close", close(ends[0]));
    result("recv", recv(ends[1], buffer, 10, 0));
    result("recv", recv(ends[1], buffer, 10, 0));
    close(ends[1]);
}

static void *drain(void *argument)
{
    int fd = *(int *)argument;
    unsigned long sum = 0, count = 0;
    ssize_t got;
    while ((got = read(fd, buffer + 65536, 65536)) > 0)
        for (ssize_t i = 0; i < got; i++, count++)
            sum = sum * 31 + (unsigned char)buffer[65536 + i];
    printf("drained %lu, sum %lx\n", count, sum);
    return NULL;
}

static void full(void)
{
    int ends[2];
    pthread_t thread;
    pair(ends);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 65536; i++)
        buffer[i] = (char)(i * 7 + i / 251);
    long total = 0, sent;
    while ((sent = send(ends[0], buffer, 65536, 0)) > 0)
        total += sent;
    result("full", sent);
    truth("took some", total >= 65536);
    now("full", ends[0]);
    now("of the reader", ends[1]);
    long read_bytes = 0;
    while (read_bytes < total) {
        long got = recv(ends[1], buffer + 65536, 65536, 0);
        if (got <= 0)
            break;
        read_bytes += got;
    }
    truth("read all", read_bytes == total);
    events("room", ends[0], POLLOUT);
    fcntl(ends[0], F_SETFL, 0);
    pthread_create(&thread, NULL, drain, &ends[1]);
    for (int i = 0; i < 64; i++)
        if (send(ends[0], buffer, 65536, 0) != 65536)
            perror("send");
    shutdown(ends[0], SHUT_WR);
    pthread_join(thread, NULL);
    close(ends[0]);
    close(ends[1]);
}

static void edges(void)
{
    int ends[2], e = epoll_create1(0);
    struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.u32 = 7}}, got[4];
    pair(ends);
    epoll_ctl(e, EPOLL_CTL_ADD, ends[0], &event);
    int n = epoll_wait(e, got, 4, 1000);
    printf("first %d %#x\n", n, n > 0 ? got[0].events : 0);
    printf("again %d\n", epoll_wait(e, got, 4, 0));
    send(ends[1], "a", 1, 0);
    n = epoll_wait(e, got, 4, 1000);
    printf("data %d %#x\n", n, n > 0 ? got[0].events : 0);
    printf("again %d\n", epoll_wait(e, got, 4, 20));
    send(ends[1], "b", 1, 0);
    n = epoll_wait(e, got, 4, 1000);
    printf("more data %d %#x\n", n, n > 0 ? got[0].events : 0);
    recv(ends[0], buffer, 10, 0);
    printf("read %d\n", epoll_wait(e, got, 4, 20));
    shutdown(ends[1], SHUT_WR);
    n = epoll_wait(e, got, 4, 1000);
    printf("end %d %#x\n", n, n > 0 ? got[0].events : 0);
    close(ends[1]);
    close(ends[0]);
    close(e);
    int l = listener(10), fds[3];
    e = epoll_create1(0);
    event.events = EPOLLIN | EPOLLET;
    epoll_ctl(e, EPOLL_CTL_ADD, l, &event);
    for (int i = 0; i < 3; i++) {
        fds[i] = new_socket(0);
        connect_to(fds[i], port_of(l));
        n = epoll_wait(e, got, 4, 1000);
        printf("connection %d %#x\n", n, n > 0 ? got[0].events : 0);
    }
    for (int i = 0; i < 3; i++) {
        close(accept(l, NULL, NULL));
        close(fds[i]);
    }
    close(l);
    close(e);
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

static void copies(void)
{
    int ends[2], pipe_ends[2];
    char path[] = "/tmp/streamsXXXXXX";
    int file = mkstemp(path);
    off_t at = 0;
    unlink(path);
    result("file", write(file, buffer, 10000));
    pair(ends);
    result("sendfile", sendfile(ends[0], file, &at, 10000));
    result("recv", recv(ends[1], buffer + 65536, 10000, MSG_WAITALL));
    truth("same", memcmp(buffer, buffer + 65536, 10000) == 0);
    if (pipe(pipe_ends) != 0)
        perror("pipe");
    result("write", write(pipe_ends[1], "through a pipe", 14));
    result("splice", splice(pipe_ends[0], NULL, ends[0], NULL, 14, 0));
    result("recv", recv(ends[1], buffer, 14, MSG_WAITALL));
    result("send", send(ends[1], "from a socket", 13, 0));
    result("splice", splice(ends[0], NULL, pipe_ends[1], NULL, 13, 0));
    result("read", read(pipe_ends[0], buffer, 100));
    printf("%.13s\n", buffer);
    result("lseek", lseek(ends[0], 0, SEEK_CUR));
    result("pread", pread(ends[0], buffer, 1, 0));
    close(file);
    close(ends[0]);
    close(ends[1]);
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

static void both_families(void)
{
    int on = 1, fd = socket(AF_INET6, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
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
    close(fd);
    fd = socket(AF_INET6, SOCK_STREAM, 0);
    result("IPV6_V6ONLY", setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
    memset(&a, 0, sizeof a);
    a.in6.sin6_family = AF_INET6;
    result("bind", bind(fd, &a.any, sizeof a.in6));
    result("listen", listen(fd, 5));
    result("IPV6_V6ONLY, bound", setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
    port = port_of(fd);
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
        fresh();
        refused();
        connecting();
        data();
        half_closed();
        resets();
        full();
        edges();
        ports();
        copies();
        backlog();
    }
    both_families();
    return 0;
}
