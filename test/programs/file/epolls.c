/* SPDX-License-Identifier: MIT */
/* epoll: level- and edge-triggered, one-shot, order of closing, errors, nesting. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

static void show(const char *what, long result)
{
    printf("%s: %ld errno %d\n", what, result, result < 0 ? errno : 0);
}

static int control(int ep, int op, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = (uint64_t)fd << 32 | 7};
    return epoll_ctl(ep, op, fd, &event);
}

static void wait_for(const char *what, int ep, int milliseconds)
{
    struct epoll_event events[8];
    int n = epoll_wait(ep, events, 8, milliseconds);
    printf("%s: %d", what, n);
    for (int i = 0; i < n; i++)
        printf(" %x/%llx", events[i].events, (unsigned long long)events[i].data.u64);
    printf("\n");
}

/* syscall(2), to avoid the compiler's checks of the arguments. */
static long raw_wait(int ep, struct epoll_event *events, long max, int milliseconds)
{
    return syscall(SYS_epoll_wait, ep, events, max, milliseconds);
}

static void levels(void)
{
    int ep = epoll_create1(EPOLL_CLOEXEC), p[2];
    char buffer[16];
    show("cloexec", fcntl(ep, F_GETFD));
    if (pipe2(p, O_NONBLOCK) != 0)
        return;
    show("add", control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN));
    wait_for("empty", ep, 0);
    if (write(p[1], "abc", 3) != 3)
        return;
    wait_for("level", ep, -1);
    wait_for("level again", ep, 10);
    show("to edge", control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET));
    wait_for("edge", ep, 0);
    wait_for("edge again", ep, 0);
    if (write(p[1], "d", 1) != 1)
        return;
    wait_for("edge after a write", ep, 0);
    show("read", read(p[0], buffer, sizeof(buffer)));
    wait_for("drained", ep, 0);
    if (write(p[1], "e", 1) != 1)
        return;
    wait_for("edge after draining", ep, 0);
    show("to one shot", control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT));
    wait_for("one shot", ep, 0);
    wait_for("one shot again", ep, 0);
    show("armed", control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT));
    wait_for("one shot armed", ep, 0);
    show("add the other", control(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT));
    wait_for("writable", ep, 0);
    close(p[0]);
    wait_for("reader gone", ep, 0);
    close(p[1]);
    wait_for("both gone", ep, 0);
    close(ep);
}

static void descriptors(void)
{
    int ep = epoll_create1(0), ev = eventfd(1, 0), copy = dup(ev);
    show("add", control(ep, EPOLL_CTL_ADD, ev, EPOLLIN));
    show("add the copy", control(ep, EPOLL_CTL_ADD, copy, EPOLLIN));
    wait_for("two names", ep, 0);
    close(ev);
    wait_for("one closed", ep, 0);
    show("delete a closed one", epoll_ctl(ep, EPOLL_CTL_DEL, ev, NULL));
    close(copy);
    wait_for("both closed", ep, 0);
    close(ep);
}

static void errors(void)
{
    int ep = epoll_create1(0), ev = eventfd(0, 0),
        file = open("/tmp/plain", O_CREAT | O_RDWR, 0600);
    struct epoll_event event = {.events = EPOLLIN}, *nowhere = (struct epoll_event *)8;
    show("create(0)", epoll_create(0));
    show("create1(1)", epoll_create1(1));
    show("a plain file", control(ep, EPOLL_CTL_ADD, file, EPOLLIN));
    show("itself", control(ep, EPOLL_CTL_ADD, ep, EPOLLIN));
    show("not an epoll", control(ev, EPOLL_CTL_ADD, ep, EPOLLIN));
    show("bad descriptor", control(ep, EPOLL_CTL_ADD, 99, EPOLLIN));
    show("not there", control(ep, EPOLL_CTL_MOD, ev, EPOLLIN));
    show("delete not there", control(ep, EPOLL_CTL_DEL, ev, EPOLLIN));
    show("bad operation", control(ep, 17, ev, EPOLLIN));
    show("bad event", epoll_ctl(ep, EPOLL_CTL_ADD, ev, nowhere));
    show("add", control(ep, EPOLL_CTL_ADD, ev, EPOLLIN));
    show("add twice", control(ep, EPOLL_CTL_ADD, ev, EPOLLIN));
    show("no room", raw_wait(ep, &event, 0, 0));
    show("negative room", raw_wait(ep, &event, -1, 0));
    show("wait on another", epoll_wait(ev, &event, 1, 0));
    show("wait on nothing", epoll_wait(99, &event, 1, 0));
    uint64_t one = 1;
    if (write(ev, &one, 8) != 8)
        return;
    show("bad buffer", raw_wait(ep, nowhere, 1, 0));
    close(file);
    close(ev);
    close(ep);
}

static void nesting(void)
{
    int chain[6], ev = eventfd(0, 0);
    for (int i = 0; i < 6; i++)
        chain[i] = epoll_create1(0);
    show("leaf", control(chain[0], EPOLL_CTL_ADD, ev, EPOLLIN));
    for (int i = 1; i < 4; i++)
        show("above", control(chain[i], EPOLL_CTL_ADD, chain[i - 1], EPOLLIN));
    show("loop", control(chain[0], EPOLL_CTL_ADD, chain[3], EPOLLIN));
    wait_for("quiet", chain[3], 0);
    uint64_t one = 1;
    if (write(ev, &one, 8) != 8)
        return;
    wait_for("through all", chain[3], 0);
}

static void put(int fd, const void *bytes, size_t size)
{
    if (write(fd, bytes, size) != (ssize_t)size)
        printf("write: errno %d\n", errno);
}

static void edges(void)
{
    int ep = epoll_create1(0);
    uint64_t count;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    show("add a timer", control(ep, EPOLL_CTL_ADD, timer, EPOLLIN | EPOLLET));
    for (int i = 0; i < 3; i++) {
        struct itimerspec soon = {.it_value.tv_nsec = 10000000};
        timerfd_settime(timer, 0, &soon, NULL);
        wait_for("timer", ep, 2000);
        show("expired", read(timer, &count, sizeof(count)));
    }
    close(timer);
    sigset_t set;
    struct signalfd_siginfo info;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_NONBLOCK);
    show("add signals", control(ep, EPOLL_CTL_ADD, signals, EPOLLIN | EPOLLET));
    for (int i = 0; i < 3; i++) {
        kill(getpid(), SIGUSR1);
        wait_for("signal", ep, 2000);
        show("taken", read(signals, &info, sizeof(info)));
    }
    close(signals);
    close(ep);
}

/* What is an edge: an event of another, and not one's own partial read. */
static void edges_of_streams(void)
{
    int ep = epoll_create1(0), p[2], s[2];
    char c, buffer[8192] = "";
    if (pipe2(p, O_NONBLOCK) != 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) != 0)
        return;
    control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET);
    control(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLET);
    wait_for("pipe: empty", ep, 0);
    put(p[1], "abcd", 4);
    wait_for("pipe: data", ep, 0);
    show("pipe: read a part", read(p[0], &c, 1));
    wait_for("pipe: no event", ep, 0);
    put(p[1], "e", 1);
    wait_for("pipe: more", ep, 0);
    while (write(p[1], buffer, sizeof(buffer)) > 0)
        ;
    wait_for("pipe: full", ep, 0);
    for (int i = 0; i < 3; i++) {
        show("pipe: read", read(p[0], buffer, sizeof(buffer)));
        wait_for("pipe: room", ep, 0);
    }
    close(p[1]);
    wait_for("pipe: end", ep, 0);
    wait_for("pipe: end again", ep, 0);
    close(p[0]);
    control(ep, EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    wait_for("socket: new", ep, 0);
    put(s[1], "abc", 3);
    wait_for("socket: data", ep, 0);
    show("socket: read a part", read(s[0], &c, 1));
    wait_for("socket: no event", ep, 0);
    put(s[0], "xyz", 3);
    wait_for("socket: own write", ep, 0);
    shutdown(s[1], SHUT_WR);
    wait_for("socket: end", ep, 0);
    wait_for("socket: end again", ep, 0);
    close(s[0]);
    close(s[1]);
    close(ep);
}

static void nested_edges(void)
{
    int outer = epoll_create1(0), inner = epoll_create1(0), ev = eventfd(0, EFD_NONBLOCK);
    uint64_t one = 1;
    control(inner, EPOLL_CTL_ADD, ev, EPOLLIN);
    control(outer, EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLET);
    wait_for("inner: quiet", outer, 0);
    for (int i = 0; i < 2; i++) {
        put(ev, &one, sizeof(one));
        wait_for("inner: event", outer, 0);
        wait_for("inner: none", outer, 0);
    }
    close(outer);
    close(inner);
    close(ev);
}

/* Linux limits the paths by which one file wakes epolls that nothing watches, by the number of epolls between: 500 through one,
 * 100 through two, 50, 10. */
static void paths(void)
{
    static int all[1024];
    int count = 0, leaf = eventfd(0, 0), inner = all[count++] = epoll_create1(0);
    int direct = 0, sum = 0;
    show("paths: leaf", control(inner, EPOLL_CTL_ADD, leaf, EPOLLIN));
    while (direct < 600 &&
           control(all[count++] = epoll_create1(0), EPOLL_CTL_ADD, inner, EPOLLIN) == 0)
        direct++;
    show("paths: too many", direct < 600 ? -1 : 0);
    printf("paths through one: %d\n", direct);
    show("paths: not added", control(all[count - 1], EPOLL_CTL_DEL, inner, 0));
    for (int i = 0; i < 50; i++)
        sum += control(all[i + 1], EPOLL_CTL_ADD, leaf, EPOLLIN);
    printf("paths through none: %d\n", sum);
    put(leaf, &(uint64_t){1}, 8);
    wait_for("paths: wakes", all[count - 2], 0);
    for (int i = 0; i < count; i++)
        close(all[i]);
    close(leaf);
}

/* A top epoll watches a chain of epolls, whose last watches as many as it may, which watch one that watches a file. */
static void paths_through(int levels)
{
    int leaf = eventfd(0, 0), inner = epoll_create1(0), top = epoll_create1(0), made = 0, sum = 0;
    int chain[3], middle[200];
    show("leaf", control(inner, EPOLL_CTL_ADD, leaf, EPOLLIN));
    chain[0] = top;
    for (int i = 1; i < levels - 1; i++) {
        chain[i] = epoll_create1(0);
        show("chain", control(chain[i - 1], EPOLL_CTL_ADD, chain[i], EPOLLIN));
    }
    for (; made < 200; made++) {
        middle[made] = epoll_create1(0);
        sum += control(middle[made], EPOLL_CTL_ADD, inner, EPOLLIN);
        if (control(chain[levels - 2], EPOLL_CTL_ADD, middle[made], EPOLLIN) != 0)
            break;
    }
    show("refused", made < 200 ? -1 : 0);
    printf("paths through %d: %d %d\n", levels, made, sum);
    put(leaf, &(uint64_t){1}, 8);
    struct epoll_event events[200];
    printf("wakes: %d\n", epoll_wait(top, events, 200, 0));
    for (int i = 0; i < made + (made < 200); i++)
        close(middle[i]);
    for (int i = 0; i < levels - 1; i++)
        close(chain[i]);
    close(inner);
    close(leaf);
}

/* Four levels of epolls that watch all of the level below: without a file at the bottom they are allowed. */
static void many_paths(void)
{
    enum {
        WIDTH = 40
    };
    static int level[4][WIDTH];
    int bottom = epoll_create1(0), leaf = eventfd(0, 0), sum = 0;
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < WIDTH; k++)
            level[i][k] = epoll_create1(0);
    for (int k = 0; k < WIDTH; k++)
        sum += control(level[0][k], EPOLL_CTL_ADD, bottom, EPOLLIN);
    for (int i = 1; i < 4; i++)
        for (int k = 0; k < WIDTH; k++)
            for (int j = 0; j < WIDTH; j++)
                sum += control(level[i][k], EPOLL_CTL_ADD, level[i - 1][j], EPOLLIN);
    printf("many paths: %d\n", sum);
    show("without a watcher", control(level[3][0], EPOLL_CTL_ADD, leaf, EPOLLIN));
    show("through four", control(bottom, EPOLL_CTL_ADD, leaf, EPOLLIN));
    put(leaf, &(uint64_t){1}, 8);
    wait_for("first of the top", level[3][0], 0);
    wait_for("second of the top", level[3][1], 0);
    int other = epoll_create1(0);
    show("leaf of another", control(other, EPOLL_CTL_ADD, leaf, EPOLLIN));
    show("other on the third", control(level[2][0], EPOLL_CTL_ADD, other, EPOLLIN));
    close(other);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < WIDTH; k++)
            close(level[i][k]);
    close(bottom);
    close(leaf);
}

static void on_alarm(int number)
{
    (void)number;
}

static void times(void)
{
    int ep = epoll_create1(0);
    struct timespec start, end, wait = {0, 30000000};
    struct epoll_event event;
    clock_gettime(CLOCK_MONOTONIC, &start);
    wait_for("time", ep, 30);
    show("pwait2", syscall(SYS_epoll_pwait2, ep, &event, 1, &wait, NULL, 8));
    clock_gettime(CLOCK_MONOTONIC, &end);
    long ms = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
    printf("waited: %d\n", ms >= 59);
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    ualarm(20000, 0);
    show("interrupted", epoll_wait(ep, &event, 1, -1));
    sigset_t blocked, none;
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGALRM);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    raise(SIGALRM);
    show("pending", epoll_wait(ep, &event, 1, 0));
    show("let in", epoll_pwait(ep, &event, 1, -1, &none));
}

static void many(void)
{
    struct epoll_event events[200];
    int ep = epoll_create1(0), seen[200] = {0}, twice = 0;
    for (int i = 0; i < 150; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        epoll_ctl(ep, EPOLL_CTL_ADD, eventfd(i % 3 != 0, 0), &event);
    }
    int n = epoll_wait(ep, events, 200, 0);
    for (int i = 0; i < n; i++)
        twice += seen[events[i].data.u32]++;
    printf("many: %d, twice %d\n", n, twice);
    int first = epoll_wait(ep, events, 70, 0), second = epoll_wait(ep, events + 70, 70, 0);
    memset(seen, 0, sizeof seen);
    for (int i = twice = 0; i < first + second; i++)
        twice += seen[events[i].data.u32]++;
    printf("in turns: %d %d, twice %d\n", first, second, twice);
    show("bad address", syscall(SYS_epoll_wait, ep, 1, 70, 0));
}

int main(void)
{
    many();
    levels();
    descriptors();
    errors();
    nesting();
    edges();
    edges_of_streams();
    nested_edges();
    paths();
    for (int levels = 2; levels < 5; levels++)
        paths_through(levels);
    many_paths();
    times();
    return 0;
}
