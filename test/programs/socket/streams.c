/* SPDX-License-Identifier: MIT */
/* Connections of TCP over the loopback interface, in both families: how they begin, and what flows in them. */
#define _GNU_SOURCE
#include "socket/internet.h"

#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>

static int pipes_signalled;
static char buffer[1 << 20];

static void on_pipe(int number)
{
    (void)number;
    pipes_signalled++;
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
    close(ends[0]);
    close(ends[1]);
}

static void held_back(void)
{
    int ends[2], low = 4;
    pair(ends);
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
        held_back();
        full();
        edges();
        copies();
    }
    return 0;
}
