/* SPDX-License-Identifier: MIT */
/* What the programs about sockets of AF_INET and AF_INET6 share. Included once. */
#pragma once

#include "result.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static int family;

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage storage;
};

static inline socklen_t loopback(union address *a, int port)
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

static inline int port_of(int fd)
{
    union address a = {0};
    socklen_t size = sizeof a;
    if (getsockname(fd, &a.any, &size) != 0)
        return -1;
    return ntohs(a.any.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
}

static inline int new_socket(int flags)
{
    return socket(family, SOCK_STREAM | flags, 0);
}

static inline int listener(int backlog)
{
    union address a;
    int fd = new_socket(0);
    socklen_t size = loopback(&a, 0);
    if (bind(fd, &a.any, size) != 0 || listen(fd, backlog) != 0)
        perror("listener");
    return fd;
}

static inline int connect_to(int fd, int port)
{
    union address a;
    socklen_t size = loopback(&a, port);
    return connect(fd, &a.any, size);
}

static inline void pair(int ends[2])
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
static inline void events(const char *name, int fd, short wanted)
{
    struct pollfd p = {fd, wanted | POLLRDHUP, 0};
    int n = poll(&p, 1, wanted ? 2000 : 0);
    printf("%s: poll %d, %#x\n", name, n, p.revents);
}

static inline void now(const char *name, int fd)
{
    struct pollfd p = {
        fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI | POLLRDNORM | POLLWRNORM | POLLWRBAND, 0};
    poll(&p, 1, 0);
    printf("%s: events %#x\n", name, p.revents);
}

static inline int error_of(int fd)
{
    int value = -1;
    socklen_t size = sizeof value;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &size);
    return value;
}
