/* SPDX-License-Identifier: MIT */
/* How much a connection takes: SO_SNDBUF, SO_RCVBUF, small segments that wait; and TCP_USER_TIMEOUT, which ends one. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "socket/internet.h"

#include <netinet/tcp.h>
#include <time.h>

static char buffer[1 << 16];

static void set_size(int fd, int option, int size)
{
    socklen_t length = sizeof size;
    setsockopt(fd, SOL_SOCKET, option, &size, sizeof size);
    getsockopt(fd, SOL_SOCKET, option, &size, &length);
    printf("size %d\n", size);
}

/* A connection whose ends have buffers of these sizes; 0: the system's. */
static void sized_pair(int ends[2], int send_size, int receive_size)
{
    int l = listener(5);
    if (receive_size != 0)
        set_size(l, SO_RCVBUF, receive_size);
    ends[0] = new_socket(0);
    if (send_size != 0)
        set_size(ends[0], SO_SNDBUF, send_size);
    result("connect", connect_to(ends[0], port_of(l)));
    ends[1] = accept(l, NULL, NULL);
    close(l);
}

/* What the connection takes until nothing is taken for a while. */
static long fill(int fd)
{
    long all = 0, sent;
    struct pollfd p = {fd, POLLOUT, 0};
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (poll(&p, 1, 300) == 1 && (sent = send(fd, buffer, sizeof buffer, 0)) > 0)
        all += sent;
    return all;
}

static long drain(int fd, long size)
{
    long all = 0, got;
    while (all < size && (got = recv(fd, buffer, sizeof buffer, 0)) > 0)
        all += got;
    return all;
}

static void sizes(void)
{
    static const struct {
        int send, receive;
        long least, most;
    } rows[] = {
        {0, 0, 300000, 1 << 30},       {8192, 8192, 8192, 120000}, {8192, 0, 40000, 1 << 30},
        {4000, 100000, 40000, 700000}, {0, 1, 1000, 1 << 30},      {1, 1, 1, 120000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int ends[2];
        sized_pair(ends, rows[i].send, rows[i].receive);
        long all = fill(ends[0]);
        printf("send %d, receive %d: %s\n", rows[i].send, rows[i].receive,
               all < rows[i].least  ? "less was taken"
               : all > rows[i].most ? "more was taken"
                                    : "as much as there is room for");
        truth("all came", drain(ends[1], all) == all);
        /* With room again it goes on. */
        fcntl(ends[0], F_SETFL, 0);
        if (fork() == 0) {
            for (int left = 128 << 10; left > 0; left -= (int)sizeof buffer)
                send(ends[0], buffer, sizeof buffer, 0);
            _exit(0);
        }
        truth("more comes", drain(ends[1], 128 << 10) == 128 << 10);
        close(ends[0]);
        close(ends[1]);
    }
}

/* The size of an accepted connection may change, too. */
static void later(void)
{
    int ends[2];
    pair(ends);
    set_size(ends[1], SO_RCVBUF, 100000);
    set_size(ends[0], SO_SNDBUF, 100000);
    long all = fill(ends[0]);
    truth("all came", drain(ends[1], all) == all);
    set_size(ends[1], SO_RCVBUF, 5000);
    all = fill(ends[0]);
    truth("all came", drain(ends[1], all) == all);
    close(ends[0]);
    close(ends[1]);
}

static void crumbs(void)
{
    int ends[2], on = 1, wrong = 0;
    char text[100];
    pair(ends);
    setsockopt(ends[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (int i = 0; i < 3000; i++) {
        char c = (char)(i * 7 + i / 256);
        send(ends[0], &c, 1, 0);
        if (i % 500 == 499) /* a large one between them */
            send(ends[0], buffer, 3000, 0);
        if (i % 10 == 9 && i < 2000)
            recv(ends[1], text, 1, MSG_PEEK);
    }
    for (int i = 0; i < 3000; i++) {
        char c;
        wrong += recv(ends[1], &c, 1, 0) != 1 || c != (char)(i * 7 + i / 256);
        if (i % 500 == 499)
            wrong += drain(ends[1], 0) != 0 || recv(ends[1], buffer, 3000, MSG_WAITALL) != 3000;
    }
    printf("crumbs: %d wrong\n", wrong);
    send(ends[0], "end", 3, 0);
    result("recv", recv(ends[1], text, sizeof text, 0));
    close(ends[0]);
    close(ends[1]);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The peer acknowledges, but has no room. */
static void no_room(void)
{
    int ends[2], ms = 1500, error;
    sized_pair(ends, 8192, 8192);
    result("TCP_USER_TIMEOUT", setsockopt(ends[0], IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms));
    double start = seconds();
    fill(ends[0]);
    struct pollfd p = {ends[0], 0, 0};
    result("poll", poll(&p, 1, 20000));
    printf("events %#x\n", p.revents);
    truth("after the time-out", seconds() - start >= 1.2 && seconds() - start < 15);
    error = error_of(ends[0]);
    printf("error %d\n", error);
    result("send", send(ends[0], "x", 1, MSG_NOSIGNAL));
    close(ends[0]);
    close(ends[1]);
    /* Without it the connection lives. */
    sized_pair(ends, 8192, 8192);
    fill(ends[0]);
    p.fd = ends[0];
    result("poll", poll(&p, 1, 4000));
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    static const int families[] = {AF_INET, AF_INET6};
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < 2; i++) {
        family = families[i];
        printf("== family %d\n", family);
        sizes();
        later();
        crumbs();
        if (i == 0)
            no_room();
    }
    return 0;
}
