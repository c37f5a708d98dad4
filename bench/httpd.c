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

int main(int argc, char **argv)
{
    int port = argc > 1 && atoi(argv[1]) > 0 ? atoi(argv[1]) : 8080;
    signal(SIGPIPE, SIG_IGN);
    int ls = socket(AF_INET, SOCK_STREAM, 0);
    if (ls < 0) {
        perror("socket");
        return 1;
    }
    int one = 1;
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in a;
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons((uint16_t)port);
    a.sin_addr.s_addr = htonl(INADDR_ANY);
    if (bind(ls, (struct sockaddr *)&a, sizeof a) || listen(ls, 128)) {
        perror("bind/listen");
        return 1;
    }
    fcntl(ls, F_SETFL, O_NONBLOCK);
    int ep = epoll_create1(0);
    if (ep < 0) {
        perror("epoll_create1");
        return 1;
    }
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = ls}, evs[64];
    epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev);
    (void)!write(1, "HTTPD READY\n", 12);
    for (;;) {
        int n = epoll_wait(ep, evs, 64, -1);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            perror("epoll_wait");
            return 1;
        }
        for (int i = 0; i < n; i++) {
            int fd = evs[i].data.fd;
            if (fd == ls) {
                for (;;) {
                    int c = accept(ls, 0, 0);
                    if (c < 0)
                        break;
                    if (c >= MAXFD) {
                        close(c);
                        continue;
                    }
                    fcntl(c, F_SETFL, O_NONBLOCK);
                    setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    st[c] = 0;
                    ev.events = EPOLLIN;
                    ev.data.fd = c;
                    if (epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev))
                        close(c);
                }
                continue;
            }
            char b[4096];
            ssize_t r = read(fd, b, sizeof b);
            if (r < 0 && (errno == EAGAIN || errno == EINTR))
                continue;
            if (r <= 0) {
                close(fd);
                continue;
            }
            for (int k = feed(fd, b, r); k > 0; k--)
                if (write(fd, resp, sizeof resp - 1) != (ssize_t)sizeof resp - 1) {
                    close(fd);
                    break;
                }
        }
    }
}
