// SPDX-License-Identifier: MIT
// httpd: a single-threaded epoll HTTP/1.1 keep-alive server that answers
// "hello" to every request.  Usage: httpd [port]   (default 8080)
//   musl-gcc -static -O2 -o httpd httpd.c
// Handles pipelined and split requests; no bodies.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAXFD 1024

static const char resp[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n";

static unsigned char st[MAXFD]; // how much of "\r\n\r\n" has been seen

static int feed(int fd, const char *b, ssize_t n)
{
    int done = 0;
    unsigned s = st[fd];
    for (ssize_t i = 0; i < n; i++) {
        char c = b[i];
        if (c == '\r')
            s = (s == 2) ? 3 : 1;
        else if (c == '\n' && (s == 1 || s == 3)) {
            if (s == 3) {
                done++;
                s = 0;
            } else
                s = 2;
        } else
            s = 0;
    }
    st[fd] = (unsigned char)s;
    return done;
}

static int ep;
static const int one = 1;

static int listener(int port)
{
    int ls = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_ANY)};
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (ls < 0 || bind(ls, (struct sockaddr *)&a, sizeof a) || listen(ls, 128)) {
        perror("socket/bind/listen");
        exit(1);
    }
    fcntl(ls, F_SETFL, O_NONBLOCK);
    return ls;
}

static void watch(int fd)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
        close(fd);
}

static void accept_all(int ls)
{
    int c;
    while ((c = accept(ls, 0, 0)) >= 0) {
        if (c >= MAXFD) {
            close(c);
            continue;
        }
        fcntl(c, F_SETFL, O_NONBLOCK);
        setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        st[c] = 0;
        watch(c);
    }
}

static void serve(int fd)
{
    char b[4096];
    ssize_t r = read(fd, b, sizeof b);
    if (r < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    for (int k = r > 0 ? feed(fd, b, r) : 0; k > 0; k--)
        if (write(fd, resp, sizeof resp - 1) != (ssize_t)sizeof resp - 1)
            r = 0;
    if (r <= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    int port = argc > 1 && atoi(argv[1]) > 0 ? atoi(argv[1]) : 8080;
    struct epoll_event evs[64];
    signal(SIGPIPE, SIG_IGN);
    int ls = listener(port);
    ep = epoll_create1(0);
    watch(ls);
    (void)!write(1, "HTTPD READY\n", 12);
    for (;;) {
        int n = epoll_wait(ep, evs, 64, -1);
        for (int i = 0; i < n; i++) {
            if (evs[i].data.fd == ls)
                accept_all(ls);
            else
                serve(evs[i].data.fd);
        }
    }
}
