/* SPDX-License-Identifier: MIT */
/* SO_PEEK_OFF: what MSG_PEEK passes over, of datagrams and streams of AF_UNIX and of UDP. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "internet.h"

#include <sys/wait.h>

static int end[2];

static int offset(void)
{
    int value = -77;
    socklen_t size = sizeof value;
    return getsockopt(end[1], SOL_SOCKET, SO_PEEK_OFF, &value, &size) == 0 ? value : -100 - errno;
}

static void set(int value)
{
    result("set", setsockopt(end[1], SOL_SOCKET, SO_PEEK_OFF, &value, sizeof value));
}

static void take(const char *what, int flags, size_t size)
{
    char bytes[64] = "";
    struct iovec io = {bytes, size};
    struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1};
    ssize_t n = recvmsg(end[1], &message, flags | MSG_DONTWAIT);
    if (n < 0)
        printf("%s %zu: errno %d, now %d\n", what, size, errno, offset());
    else
        printf("%s %zu: %zd \"%s\", flags %#x, now %d\n", what, size, n, bytes, message.msg_flags,
               offset());
}

static void all(const char *kind)
{
    printf("-- %s: %d\n", kind, offset());
    send(end[0], "abcdef", 6, 0);
    send(end[0], "gh", 2, 0);
    send(end[0], "ijklmn", 6, 0);
    usleep(20000);
    take("peek without", MSG_PEEK, 3);
    set(0);
    take("peek", MSG_PEEK, 2);
    take("peek", MSG_PEEK, 2);
    take("peek", MSG_PEEK, 60);
    take("peek", MSG_PEEK, 60);
    take("peek", MSG_PEEK, 6);
    take("peek", MSG_PEEK, 60);
    take("read", 0, 3);
    take("peek", MSG_PEEK, 60);
    set(1);
    take("peek", MSG_PEEK | MSG_TRUNC, 1);
    take("peek", MSG_PEEK | MSG_TRUNC, 4);
    take("peek", MSG_PEEK, 0);
    take("read", 0, 1);
    take("read", MSG_TRUNC, 2);
    set(100);
    take("peek", MSG_PEEK, 5);
    take("read", 0, 60);
    take("read", 0, 60);
    take("read", 0, 60);
    set(-3);
    send(end[0], "op", 2, 0);
    usleep(20000);
    take("peek", MSG_PEEK, 1);
    take("peek", MSG_PEEK, 60);
    take("read", 0, 60);
    /* A peek that sleeps goes on when there is more than it passes over. */
    set(3);
    send(end[0], "qrs", 3, 0);
    pid_t child = fork();
    if (child == 0) {
        usleep(30000);
        send(end[0], "tu", 2, 0);
        _exit(0);
    }
    char bytes[8] = "";
    result("sleeps", recv(end[1], bytes, 7, MSG_PEEK));
    printf("%s\n", bytes);
    while (waitpid(child, NULL, 0) < 0)
        ;
    close(end[0]);
    close(end[1]);
}

int main(void)
{
    static const struct {
        int type;
        const char *name;
    } kinds[] = {{SOCK_STREAM, "stream"}, {SOCK_DGRAM, "datagrams"}, {SOCK_SEQPACKET, "packets"}};
    for (int i = 0; i < 3; i++) {
        socketpair(AF_UNIX, kinds[i].type, 0, end);
        all(kinds[i].name);
    }
    for (int i = 0; i < 2; i++) {
        union address a;
        family = i ? AF_INET6 : AF_INET;
        end[0] = socket(family, SOCK_DGRAM, 0);
        end[1] = socket(family, SOCK_DGRAM, 0);
        socklen_t size = loopback(&a, 0);
        bind(end[1], &a.any, size);
        connect_to(end[0], port_of(end[1]));
        all("UDP");
    }
    int value = 1;
    end[1] = socket(AF_NETLINK, SOCK_DGRAM, 0);
    result("netlink", setsockopt(end[1], SOL_SOCKET, SO_PEEK_OFF, &value, sizeof value));
    printf("%d\n", offset());
    return 0;
}
