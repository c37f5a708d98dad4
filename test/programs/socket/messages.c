/* SPDX-License-Identifier: MIT */
/* Unix-domain sockets: ancillary data (descriptors, credentials), many messages at once, threads. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#include "result.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static char buffer[400000];
static socklen_t name_of(struct sockaddr_un *a, const char *text)
{
    memset(a, 0, sizeof *a);
    a->sun_family = AF_UNIX;
    size_t length = strlen(text);
    if (text[0] == '@') { /* abstract */
        memcpy(a->sun_path + 1, text + 1, length - 1);
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    }
    strcpy(a->sun_path, text);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

static int bind_to(int fd, const char *text)
{
    struct sockaddr_un a;
    return bind(fd, (struct sockaddr *)&a, name_of(&a, text));
}

static int connect_to(int fd, const char *text)
{
    struct sockaddr_un a;
    return connect(fd, (struct sockaddr *)&a, name_of(&a, text));
}

static ssize_t send_fds(int to, const int *fds, int count, const char *text)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(300 * sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec v = {(char *)text, strlen(text)};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
    memcpy(CMSG_DATA(c), fds, (size_t)count * sizeof(int));
    return sendmsg(to, &m, 0);
}

static int received[300];

static int receive_fds(int from, size_t room, int flags)
{
    char control[2000];
    struct iovec v = {buffer, 100};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
    memset(control, 0, sizeof control);
    ssize_t r = result("recvmsg", recvmsg(from, &m, flags));
    if (r < 0)
        return 0;
    printf("  flags %#x control %zu\n", m.msg_flags, (size_t)m.msg_controllen);
    int count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        printf("  level %d type %d size %zu\n", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
        if (c->cmsg_type == SCM_RIGHTS) {
            int n = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            memcpy(received + count, CMSG_DATA(c), (size_t)n * sizeof(int));
            count += n;
        }
        if (c->cmsg_type == SCM_CREDENTIALS) {
            struct ucred cred;
            memcpy(&cred, CMSG_DATA(c), sizeof cred);
            printf("  from me: %d\n", cred.pid == getpid() && cred.uid == getuid());
        }
    }
    return count;
}

static int open_count(void)
{
    int n = 0;
    for (int fd = 0; fd < 1000; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void passing(void)
{
    int p[2], q[2], fds[300], before = open_count();
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    pipe(q);
    result("pass a pipe", send_fds(p[0], q, 2, "two"));
    close(q[0]);
    close(q[1]);
    int n = receive_fds(p[1], 200, MSG_CMSG_CLOEXEC);
    printf("%d received, close on exec %d\n", n, fcntl(received[0], F_GETFD));
    result("write", write(received[1], "through", 7));
    result("read", read(received[0], buffer, 100));
    printf("'%.7s'\n", buffer);
    close(received[0]);
    close(received[1]);
    fds[0] = 777;
    result("pass a closed one", send_fds(p[0], fds, 1, "x"));
    for (int i = 0; i < 300; i++)
        fds[i] = 1;
    result("pass 254", send_fds(p[0], fds, 254, "x"));
    result("pass 5", send_fds(p[0], fds, 5, "x"));
    n = receive_fds(p[1], CMSG_LEN(3 * sizeof(int)), 0);
    printf("%d received\n", n);
    while (n > 0)
        close(received[--n]);
    result("pass 1", send_fds(p[0], fds, 1, "x"));
    n = receive_fds(p[1], 8, 0);
    result("pass 1", send_fds(p[0], fds, 1, "x"));
    result("plain", send(p[0], "plain", 5, 0));
    result("pass 2", send_fds(p[0], fds, 2, "yy"));
    result("plain", send(p[0], "plain", 5, 0));
    n = receive_fds(p[1], 200, MSG_PEEK);
    while (n > 0)
        close(received[--n]);
    for (int i = 0; i < 2; i++) {
        n = receive_fds(p[1], 200, 0);
        printf("%d received\n", n);
        while (n > 0)
            close(received[--n]);
    }
    result("the last", read(p[1], buffer, 100));
    result("pass 1 and read", send_fds(p[0], fds, 1, "x"));
    result("read drops it", read(p[1], buffer, 100));
    int one = 1;
    setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one);
    send_fds(p[0], fds, 1, "with credentials");
    n = receive_fds(p[1], 200, 0);
    while (n > 0)
        close(received[--n]);
    close(p[0]);
    close(p[1]);
    printf("%d more open\n", open_count() - before);
}

/* Sockets that are sent through each other and closed: end of file on a pipe shows that they were freed. */
static void cycles(void)
{
    int a[2], b[2], q[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, a);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, b);
    pipe(q);
    int mine[2] = {a[1], q[1]};
    result("itself and a pipe", send_fds(a[0], mine, 2, "x"));
    result("one", send_fds(b[0], &a[1], 1, "x"));
    result("the other", send_fds(a[0], &b[1], 1, "x"));
    fcntl(q[0], F_SETFL, O_NONBLOCK);
    close(q[1]);
    close(a[0]);
    close(a[1]);
    close(b[0]);
    result("still held", read(q[0], buffer, 1));
    int n = receive_fds(b[1], 200, 0);
    printf("%d received\n", n);
    close(received[0]);
    close(b[1]);
    close(socket(AF_UNIX, SOCK_DGRAM, 0)); /* makes Linux start a collection */
    struct pollfd p = {q[0], POLLIN, 0};
    poll(&p, 1, 2000); /* Linux collects asynchronously */
    result("gone with the sockets", read(q[0], buffer, 1));
    close(q[0]);
    /* A long chain, each socket in the queue of the next. */
    int last = -1, pair[2];
    pipe(q);
    for (int i = 0; i < 300; i++) {
        socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
        int inner = last >= 0 ? last : q[1];
        send_fds(pair[0], &inner, 1, "x");
        close(inner);
        close(pair[0]);
        last = pair[1];
    }
    fcntl(q[0], F_SETFL, O_NONBLOCK);
    result("a chain", read(q[0], buffer, 1));
    close(last);
    p.fd = q[0];
    poll(&p, 1, 2000);
    result("its end", read(q[0], buffer, 1));
    close(q[0]);
}

static void many(void)
{
    int p[2];
    char bytes[4][8];
    struct iovec v[4];
    struct mmsghdr m[4];
    memset(m, 0, sizeof m);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
    for (int i = 0; i < 4; i++) {
        v[i] = (struct iovec){bytes[i], (size_t)i + 1};
        m[i].msg_hdr.msg_iov = &v[i];
        m[i].msg_hdr.msg_iovlen = 1;
    }
    result("sendmmsg", sendmmsg(p[0], m, 3, 0));
    printf("%u %u %u\n", m[0].msg_len, m[1].msg_len, m[2].msg_len);
    result("recvmmsg", recvmmsg(p[1], m, 2, 0, NULL));
    result("recvmmsg", recvmmsg(p[1], m, 4, MSG_WAITFORONE, NULL));
    printf("%u flags %#x\n", m[0].msg_len, m[0].msg_hdr.msg_flags);
    result("recvmmsg", recvmmsg(p[1], m, 4, MSG_DONTWAIT, NULL));
    struct timespec time = {-1, 0};
    result("recvmmsg", recvmmsg(p[1], m, 4, 0, &time));
    struct msghdr bad = {.msg_iov = v, .msg_iovlen = 1025};
    result("1025 segments", sendmsg(p[0], &bad, 0));
    bad = (struct msghdr){
        .msg_iov = v, .msg_iovlen = 1, .msg_control = bytes, .msg_controllen = 1 << 20};
    result("huge control", sendmsg(p[0], &bad, 0));
    struct {
        struct cmsghdr head;
        int fd;
    } odd = {{.cmsg_len = 4, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}, 0};
    bad = (struct msghdr){
        .msg_iov = v, .msg_iovlen = 1, .msg_control = &odd, .msg_controllen = sizeof odd};
    result("short header", sendmsg(p[0], &bad, 0));
    odd.head.cmsg_len = 100;
    result("long header", sendmsg(p[0], &bad, 0));
    odd.head = (struct cmsghdr){.cmsg_len = sizeof odd, .cmsg_level = SOL_SOCKET, .cmsg_type = 77};
    result("unknown kind", sendmsg(p[0], &bad, 0));
    odd.head = (struct cmsghdr){.cmsg_len = sizeof odd, .cmsg_level = 77, .cmsg_type = 77};
    result("unknown level", sendmsg(p[0], &bad, 0));
    close(p[0]);
    close(p[1]);
}

static void *echo(void *argument)
{
    int s = *(int *)argument, c;
    while ((c = accept(s, NULL, NULL)) >= 0) {
        char bytes[4096];
        ssize_t n;
        while ((n = read(c, bytes, sizeof bytes)) > 0)
            for (ssize_t at = 0; at < n;)
                at += write(c, bytes + at, (size_t)(n - at));
        close(c);
    }
    return NULL;
}

/* A server thread, and a client that sends more than the buffer holds. */
static void *push(void *argument)
{
    int fd = *(int *)argument;
    static char bytes[300000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    write(fd, bytes, sizeof bytes);
    shutdown(fd, SHUT_WR);
    return NULL;
}

static void talking(void)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
    pthread_t server, pusher;
    bind_to(s, "/tmp/echo");
    listen(s, 5);
    pthread_create(&server, NULL, echo, &s);
    result("connect", connect_to(c, "/tmp/echo"));
    pthread_create(&pusher, NULL, push, &c);
    ssize_t n, total = 0, wrong = 0;
    while ((n = recv(c, buffer, 50000, MSG_WAITALL)) > 0) {
        for (ssize_t i = 0; i < n; i++, total++)
            wrong += buffer[i] != (char)(total * 7 + total / 251);
    }
    printf("%zd bytes came back, %zd wrong\n", total, wrong);
    pthread_join(pusher, NULL);
    close(c);
    result("shutdown of the listener", shutdown(s, SHUT_RD));
    pthread_join(server, NULL);
    result("connect to a shut listener",
           connect_to(c = socket(AF_UNIX, SOCK_STREAM, 0), "/tmp/echo"));
    close(c);
    close(s);
    unlink("/tmp/echo");
    int p[2], e = epoll_create1(0);
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    struct epoll_event ev = {EPOLLIN | EPOLLET | EPOLLRDHUP, {.fd = p[1]}};
    epoll_ctl(e, EPOLL_CTL_ADD, p[1], &ev);
    result("edge: nothing", epoll_wait(e, &ev, 1, 0));
    write(p[0], "x", 1);
    result("edge: a byte", epoll_wait(e, &ev, 1, 0));
    result("edge: not again", epoll_wait(e, &ev, 1, 0));
    close(p[0]);
    result("edge: closed", epoll_wait(e, &ev, 1, 0));
    printf("%#x\n", ev.events);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    passing();
    cycles();
    many();
    talking();
    return 0;
}
