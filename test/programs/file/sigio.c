/* SPDX-License-Identifier: MIT */
/* Signals for files that are ready: O_ASYNC, F_SETOWN, F_SETSIG and their kin. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#ifndef FIOSETOWN
#define FIOSETOWN 0x8901
#define SIOCSPGRP 0x8902
#define FIOGETOWN 0x8903
#define SIOCGPGRP 0x8904
#endif
#ifndef FIOASYNC
#define FIOASYNC 0x5452
#endif

struct owner { /* struct f_owner_ex */
    int type;
    pid_t pid;
};

static sigset_t both;
static char buffer[100000];

/* The signals that are pending, which are SIGIO and SIGRTMIN + 1; `wait`: at least one comes. */
static void signals(const char *what, int wait, int fd)
{
    siginfo_t info;
    struct timespec none = {0, 0}, some = {5, 0};
    printf("%s:", what);
    while (sigtimedwait(&both, &info, wait ? &some : &none) > 0) {
        printf(" %s code %d", info.si_signo == SIGIO ? "SIGIO" : "other", info.si_code);
        if (info.si_code != SI_KERNEL)
            printf(" band %#lx %s", info.si_band, info.si_fd == fd ? "fd" : "another fd");
        wait = 0;
    }
    puts("");
}

static void forget(void)
{
    while (sigtimedwait(&both, NULL, &(struct timespec){0, 0}) > 0)
        ;
}

static void owners(int fd)
{
    struct owner o = {0, 0};
    int zero = 0;
    result("no owner", fcntl(fd, F_GETOWN));
    result("GETOWN_EX", fcntl(fd, F_GETOWN_EX, &o));
    printf("%d %d\n", o.type, o.pid);
    result("signal", fcntl(fd, F_GETSIG));
    result("SETOWN", fcntl(fd, F_SETOWN, getpid()));
    truth("is it", fcntl(fd, F_GETOWN) == getpid());
    fcntl(fd, F_GETOWN_EX, &o);
    truth("is it", o.type == 1 && o.pid == getpid());
    result("no such process", fcntl(fd, F_SETOWN, 99999));
    result("no such group", fcntl(fd, F_SETOWN, -99999));
    result("least", fcntl(fd, F_SETOWN, INT_MIN));
    truth("is it still", fcntl(fd, F_GETOWN) == getpid());
    result("group", fcntl(fd, F_SETOWN, -getpgrp()));
    fcntl(fd, F_GETOWN_EX, &o);
    truth("is it", o.type == 2 && o.pid == getpgrp());
    o.type = 0;
    o.pid = (pid_t)syscall(SYS_gettid);
    result("SETOWN_EX", fcntl(fd, F_SETOWN_EX, &o));
    truth("is it", fcntl(fd, F_GETOWN) == getpid());
    o.type = 3;
    result("type 3", fcntl(fd, F_SETOWN_EX, &o));
    o.type = 1;
    o.pid = 99999;
    result("no such process", fcntl(fd, F_SETOWN_EX, &o));
    result("from nowhere", fcntl(fd, F_SETOWN_EX, 8));
    result("to nowhere", fcntl(fd, F_GETOWN_EX, 8));
    result("SETSIG 65", fcntl(fd, F_SETSIG, 65));
    result("SETSIG -1", fcntl(fd, F_SETSIG, -1));
    result("SETSIG", fcntl(fd, F_SETSIG, SIGUSR1));
    truth("is it", fcntl(fd, F_GETSIG) == SIGUSR1);
    result("SETSIG 0", fcntl(fd, F_SETSIG, 0));
    result("no owner again", fcntl(fd, F_SETOWN, 0));
    result("none", fcntl(fd, F_GETOWN));
    result("ASYNC by ioctl", ioctl(fd, FIOASYNC, 8));
    result("off", ioctl(fd, FIOASYNC, &zero));
}

static void on(int fd, int signal)
{
    fcntl(fd, F_SETOWN, getpid());
    fcntl(fd, F_SETSIG, signal);
    result("O_ASYNC", fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC));
    printf("%o\n", fcntl(fd, F_GETFL) & O_ASYNC);
}

static void pipes(void)
{
    int p[2], own = SIGRTMIN + 1, zero = 0;
    pipe(p);
    owners(p[0]);
    write(p[1], "x", 1);
    signals("before", 0, p[0]);
    read(p[0], buffer, 1);
    on(p[0], 0);
    signals("nothing", 0, p[0]);
    write(p[1], "x", 1);
    signals("a byte", 0, p[0]);
    write(p[1], "x", 1);
    write(p[1], "x", 1);
    signals("more, once", 0, p[0]);
    fcntl(p[0], F_SETSIG, own);
    write(p[1], "x", 1);
    write(p[1], "x", 1);
    signals("two with information", 0, p[0]);
    fcntl(p[0], F_SETSIG, SIGIO);
    write(p[1], "x", 1);
    signals("SIGIO with information", 0, p[0]);
    fcntl(p[0], F_SETSIG, own);
    on(p[1], own);
    read(p[0], buffer, 100);
    signals("read", 0, p[1]);
    fcntl(p[1], F_SETFL, O_NONBLOCK | O_ASYNC);
    while (write(p[1], buffer, 4096) > 0)
        ;
    forget();
    read(p[0], buffer, 8192);
    signals("room", 0, p[1]);
    result("off by ioctl", ioctl(p[1], FIOASYNC, &zero));
    printf("%o\n", fcntl(p[1], F_GETFL) & O_ASYNC);
    read(p[0], buffer, 8192);
    signals("read", 0, p[1]);
    int copy = dup(p[0]);
    close(p[0]);
    while (read(copy, buffer, sizeof buffer) == sizeof buffer)
        ;
    signals("drained", 0, p[0]);
    write(p[1], "x", 1);
    signals("by the copy", 0, p[0]);
    close(p[1]);
    signals("the writer is gone", 0, p[0]);
    close(copy);
}

static void sockets(void)
{
    int s[2], own = SIGRTMIN + 1, number = 0;
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    on(s[0], own);
    write(s[1], "x", 1);
    signals("a byte", 0, s[0]);
    read(s[0], buffer, 10);
    signals("read", 0, s[0]);
    number = getpid();
    result("FIOSETOWN", ioctl(s[1], FIOSETOWN, &number));
    number = 0;
    result("FIOGETOWN", ioctl(s[1], FIOGETOWN, &number));
    truth("is it", number == getpid());
    number = -getpgrp();
    result("SIOCSPGRP", ioctl(s[1], SIOCSPGRP, &number));
    number = 0;
    result("SIOCGPGRP", ioctl(s[1], SIOCGPGRP, &number));
    truth("is it", number == -getpgrp());
    number = 99999;
    result("no such process", ioctl(s[1], SIOCSPGRP, &number));
    result("from nowhere", ioctl(s[1], SIOCSPGRP, 8));
    close(s[1]);
    signals("closed", 0, s[0]);
    close(s[0]);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    on(s[0], 0);
    send(s[1], "x", 1, 0);
    signals("a datagram", 0, s[0]);
    close(s[0]);
    close(s[1]);
}

static void terminals(void)
{
    struct termios t;
    int one = 1;
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(master);
    unlockpt(master);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    tcgetattr(slave, &t);
    t.c_lflag &= ~ECHO;
    tcsetattr(slave, TCSANOW, &t);
    result("ASYNC by ioctl", ioctl(slave, FIOASYNC, &one));
    truth("the owner", fcntl(slave, F_GETOWN) == getpid());
    fcntl(slave, F_SETSIG, SIGRTMIN + 1);
    write(master, "half", 4);
    write(master, "line\n", 5);
    signals("a line", 1, slave);
    on(master, SIGRTMIN + 1);
    write(slave, "x", 1);
    signals("output", 1, master);
    result("FIOSETOWN", ioctl(slave, FIOSETOWN, &one));
    close(slave);
    close(master);
    struct pollfd p = {-1, 0, 0};
    poll(&p, 1, 20);
    forget();
}

static void others(void)
{
    int one = 1, event = eventfd(0, 0), watches = inotify_init(), file = open("/tmp", O_RDONLY);
    result("eventfd by ioctl", ioctl(event, FIOASYNC, &one));
    result("eventfd by fcntl", fcntl(event, F_SETFL, O_RDWR | O_ASYNC));
    printf("%o\n", fcntl(event, F_GETFL) & O_ASYNC);
    result("owner", fcntl(event, F_SETOWN, getpid()));
    truth("is it", fcntl(event, F_GETOWN) == getpid());
    eventfd_write(event, 1);
    signals("nothing", 0, event);
    result("folder", ioctl(file, FIOASYNC, &one));
    close(file);
    on(watches, SIGRTMIN + 1);
    inotify_add_watch(watches, "/tmp", IN_CREATE | IN_DELETE);
    close(open("/tmp/sigio-test", O_CREAT | O_RDWR, 0600));
    signals("a file", 0, watches);
    unlink("/tmp/sigio-test");
    signals("its end", 0, watches);
    close(watches);
    close(event);
}

static void through_signalfd(void)
{
    struct signalfd_siginfo info;
    int p[2], fd = signalfd(-1, &both, 0);
    pipe(p);
    on(p[0], SIGRTMIN + 1);
    write(p[1], "x", 1);
    read(fd, &info, sizeof info);
    printf("signalfd: code %d band %#x %s\n", info.ssi_code, info.ssi_band,
           (int)info.ssi_fd == p[0] ? "fd" : "another");
    fcntl(p[0], F_SETSIG, SIGCHLD);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    signal(SIGCHLD, (void (*)(int))(void *)through_signalfd); /* not ignored */
    write(p[1], "x", 1);
    siginfo_t plain;
    result("SIGCHLD", sigtimedwait(&child, &plain, &(struct timespec){5, 0}));
    printf("code %d\n", plain.si_code);
    signal(SIGCHLD, SIG_DFL);
    close(p[0]);
    close(p[1]);
    close(fd);
}

static volatile sig_atomic_t handled;

static void handler(int number, siginfo_t *info, void *context)
{
    (void)context;
    handled = number == SIGIO && info->si_code == SI_KERNEL ? 1 : 2;
}

static int fds[2];

static void *write_later(void *unused)
{
    (void)unused;
    usleep(20000);
    write(fds[1], "x", 1);
    return NULL;
}

/* A handler runs before the write returns; and it ends a pause in another thread. */
static void handlers(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    pthread_t thread;
    sigaction(SIGIO, &action, NULL);
    sigprocmask(SIG_UNBLOCK, &both, NULL);
    pipe(fds);
    on(fds[0], 0);
    write(fds[1], "x", 1);
    printf("at once: %d\n", handled);
    handled = 0;
    read(fds[0], buffer, 10);
    sigprocmask(SIG_BLOCK, &both, NULL);
    pthread_create(&thread, NULL, write_later, NULL);
    sigset_t none;
    sigemptyset(&none);
    result("suspended", sigsuspend(&none));
    printf("handled %d\n", handled);
    pthread_join(thread, NULL);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigemptyset(&both);
    sigaddset(&both, SIGIO);
    sigaddset(&both, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &both, NULL);
    pipes();
    sockets();
    terminals();
    others();
    through_signalfd();
    handlers();
    return 0;
}
