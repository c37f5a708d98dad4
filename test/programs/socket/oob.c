/* SPDX-License-Identifier: MIT */
/* Urgent data of TCP: marks, MSG_OOB, SO_OOBINLINE, SIGURG, readiness; several in a row, and bytes sent with it. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "internet.h"
#include "urgent.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/wait.h>

/* Until what was sent has come: `wanted` bytes and the urgent one, as FIONREAD and POLLPRI have them. */
static void settle(int wanted, int urgent)
{
    for (int i = 0; i < 200; i++) {
        struct pollfd p = {.fd = end[1], .events = POLLIN | POLLPRI};
        int bytes = 0;
        poll(&p, 1, 0);
        ioctl(end[1], FIONREAD, &bytes);
        if (bytes == wanted && (!urgent || p.revents & POLLPRI))
            return;
        usleep(5000);
    }
    printf("it does not come\n");
}

static void show(const char *what)
{
    struct pollfd p = {.fd = end[1], .events = POLLIN | POLLPRI | POLLRDBAND | POLLRDNORM};
    int mark = -1, bytes = -1;
    poll(&p, 1, 0);
    ioctl(end[1], SIOCATMARK, &mark);
    ioctl(end[1], FIONREAD, &bytes);
    printf("%s: events %#x, at the mark %d, bytes %d, signals %d\n", what, p.revents, mark, bytes,
           (int)urgent_signals);
}

static void take(const char *what, int flags, size_t size)
{
    char bytes[64] = "", room[1] = "";
    struct iovec io = {bytes, size};
    struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = room};
    ssize_t n = recvmsg(end[1], &message, flags | MSG_DONTWAIT);
    if (n < 0)
        printf("%s: errno %d\n", what, errno);
    else
        printf("%s: %zd \"%.*s\", flags %#x\n", what, n, (int)n, bytes, message.msg_flags);
}

static void fresh(void)
{
    int on = 1;
    if (end[0] > 0) {
        close(end[0]);
        close(end[1]);
    }
    pair(end);
    setsockopt(end[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(end[1], F_SETOWN, getpid());
    urgent_signals = 0;
}

static void basic(void)
{
    fresh();
    take("nothing is urgent", MSG_OOB, 60);
    show("at first");
    result("abc!", send(end[0], "abc!", 4, MSG_OOB));
    settle(3, 1);
    show("three bytes and an urgent one");
    take("a look at it", MSG_OOB | MSG_PEEK, 60);
    take("no room for it", MSG_OOB | MSG_PEEK, 0);
    take("cut off", MSG_OOB | MSG_PEEK | MSG_TRUNC, 60);
    take("a look at the others", MSG_PEEK, 60);
    take("it", MSG_OOB, 60);
    take("it again", MSG_OOB, 60);
    show("without it");
    take("two", 0, 2);
    take("the rest", 0, 60);
    show("at the end");
    take("nothing", 0, 60);
    take("a look at nothing", MSG_PEEK, 60);
    show("behind");
    take("no longer urgent", MSG_OOB, 60);
}

static void marks(void)
{
    fresh();
    send(end[0], "de?", 3, MSG_OOB);
    send(end[0], "fg", 2, 0);
    settle(2, 1);
    take("up to the mark, though all is asked for", MSG_WAITALL, 60);
    show("at the mark");
    take("a look past the byte", MSG_PEEK, 60);
    take("past the byte", 0, 60);
    show("behind");
    take("the byte is gone", MSG_OOB, 60);
    /* Only the urgent byte. */
    send(end[0], "!", 1, MSG_OOB);
    settle(0, 1);
    show("one urgent byte");
    take("no other", MSG_PEEK, 60);
    take("it", MSG_OOB, 60);
    show("taken");
    send(end[0], "h", 1, 0);
    usleep(20000);
    show("one more");
    take("one more", 0, 60);
    /* A second one before the first is read: the first is a byte as any other. */
    send(end[0], "1!", 2, MSG_OOB);
    settle(1, 1);
    send(end[0], "2?", 2, MSG_OOB);
    settle(3, 1);
    show("two urgent ones");
    take("the second", MSG_OOB, 60);
    take("before it", 0, 60);
    take("nothing more", 0, 60);
    show("none");
    /* A second one when the first is next: it is left out. */
    send(end[0], "3!", 2, MSG_OOB);
    settle(1, 1);
    take("before it", 0, 60);
    send(end[0], "4?", 2, MSG_OOB);
    settle(1, 1);
    usleep(20000);
    show("two, the first of which is next");
    take("before the second", 0, 60);
    take("the second", MSG_OOB, 60);
    show("both");
}

static void in_line(void)
{
    int on = 1;
    fresh();
    setsockopt(end[1], SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
    send(end[0], "hi.j", 4, MSG_OOB);
    send(end[0], "k", 1, 0);
    settle(5, 1);
    show("in line");
    take("asked for", MSG_OOB, 60);
    take("up to it", 0, 60);
    show("at it");
    take("from it on", 0, 60);
    show("behind");
}

static void ends(void)
{
    fresh();
    result("nothing is urgent", send(end[0], "", 0, MSG_OOB));
    send(end[0], "x!", 2, MSG_OOB);
    shutdown(end[0], SHUT_WR);
    settle(1, 1);
    usleep(20000);
    show("the end follows");
    take("before", 0, 60);
    take("it", MSG_OOB, 60);
    take("the end", 0, 60);
    take("asked for at the end", MSG_OOB, 60);
    show("ended");
    signal(SIGPIPE, SIG_IGN);
    result("to an end", send(end[1], "y", 1, MSG_OOB));
    shutdown(end[0], SHUT_RD);
    fresh();
    shutdown(end[0], SHUT_WR);
    result("after shutdown", send(end[0], "y", 1, MSG_OOB));
    int l = listener(1);
    result("of a listener", recv(l, &l, 1, MSG_OOB));
    result("to a listener", send(l, "x", 1, MSG_OOB | MSG_NOSIGNAL));
    close(l);
    int d = socket(family, SOCK_DGRAM, 0), mark;
    result("the mark of a datagram socket", ioctl(d, SIOCATMARK, &mark));
    close(d);
}

/* select(), epoll and a read that sleeps. */
static void waits(void)
{
    fresh();
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLPRI | EPOLLET}, got;
    epoll_ctl(epoll, EPOLL_CTL_ADD, end[1], &event);
    result("epoll, nothing", epoll_wait(epoll, &got, 1, 0));
    pid_t child = fork();
    if (child == 0) {
        usleep(30000);
        send(end[0], "m!", 2, MSG_OOB);
        _exit(0);
    }
    result("epoll", epoll_wait(epoll, &got, 1, 2000));
    printf("%#x\n", got.events);
    while (waitpid(child, NULL, 0) < 0)
        ;
    result("epoll, once", epoll_wait(epoll, &got, 1, 0));
    fd_set except;
    FD_ZERO(&except);
    FD_SET(end[1], &except);
    struct timeval time = {2, 0};
    result("select", select(end[1] + 1, NULL, NULL, &except, &time));
    take("before", 0, 60);
    child = fork();
    if (child == 0) {
        usleep(30000);
        send(end[0], "n", 1, 0);
        _exit(0);
    }
    char byte = 0;
    signal(SIGURG, SIG_IGN);
    result("a read that sleeps passes it", recv(end[1], &byte, 1, 0));
    printf("%c\n", byte);
    while (waitpid(child, NULL, 0) < 0)
        ;
    signal(SIGURG, on_urgent);
    close(epoll);
}

/* Much before and behind, with little room. */
static void much(void)
{
    static char bytes[300000];
    fresh();
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (char)(i % 251);
        send(end[0], bytes, 200000, 0);
        send(end[0], bytes + 200000, 1, MSG_OOB);
        send(end[0], bytes, 100000, 0);
        _exit(0);
    }
    close(end[0]);
    end[0] = -1;
    setsockopt(end[1], SOL_SOCKET, SO_OOBINLINE, &(int){1}, sizeof(int));
    size_t all = 0, wrong = 0;
    for (;;) {
        static char got[30000];
        struct pollfd p = {.fd = end[1], .events = POLLIN};
        int mark = 0;
        if (poll(&p, 1, 2000) < 0)
            continue;
        ioctl(end[1], SIOCATMARK, &mark);
        if (mark)
            printf("the mark is behind %zu bytes\n", all);
        ssize_t n = recv(end[1], got, sizeof got, MSG_DONTWAIT);
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++, all++)
            wrong += got[i] != (char)(all < 200001 ? all % 251 : (all - 200001) % 251);
    }
    printf("%zu bytes, %zu wrong\n", all, wrong);
    while (waitpid(child, NULL, 0) < 0)
        ;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_urgent};
    sigaction(SIGURG, &action, NULL);
    for (int i = 0; i < 2; i++) {
        family = i ? AF_INET6 : AF_INET;
        basic();
        marks();
        in_line();
        ends();
        waits();
        much();
    }
    return 0;
}
