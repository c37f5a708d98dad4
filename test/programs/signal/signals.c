/* SPDX-License-Identifier: MIT */
/* Signals that a program sends to itself: order, masks, queues, information, restarts. */
#define _GNU_SOURCE
#include "result.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int depth, nested;

static void note(int signal, siginfo_t *info, void *context)
{
    (void)context;
    printf("  handler %d code %d value %d depth %d self %d\n", signal, info->si_code,
           info->si_code == SI_QUEUE ? info->si_value.sival_int : 0, depth,
           info->si_code <= 0 && info->si_code != SI_TIMER ? info->si_pid == getpid() : 2);
}

static void nest(int signal, siginfo_t *info, void *context)
{
    depth++;
    note(signal, info, context);
    if (depth == 1 && !nested) {
        nested = 1;
        raise(SIGUSR1); /* blocked while its own handler runs */
        raise(SIGUSR2);
    }
    depth--;
}

static void plain(int signal)
{
    printf("  plain handler %d\n", signal);
}

static void set(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    result("sigaction", sigaction(signal, &action, NULL));
}

static void block(int how, int signal)
{
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, signal);
    result("sigprocmask", sigprocmask(how, &s, NULL));
}

static void masks_and_queues(void)
{
    sigset_t s;
    puts("standard signals are pending once, real-time signals queue");
    set(SIGUSR1, note, 0);
    set(SIGRTMIN, note, 0);
    set(SIGRTMIN + 1, note, 0);
    block(SIG_BLOCK, SIGUSR1);
    block(SIG_BLOCK, SIGRTMIN);
    block(SIG_BLOCK, SIGRTMIN + 1);
    for (int i = 0; i < 3; i++) {
        union sigval v = {.sival_int = i};
        result("sigqueue", sigqueue(getpid(), SIGRTMIN + 1, v));
        result("sigqueue", sigqueue(getpid(), SIGRTMIN, v));
        raise(SIGUSR1);
    }
    sigpending(&s);
    printf("pending: USR1 %d RTMIN %d RTMIN+1 %d USR2 %d\n", sigismember(&s, SIGUSR1),
           sigismember(&s, SIGRTMIN), sigismember(&s, SIGRTMIN + 1), sigismember(&s, SIGUSR2));
    sigfillset(&s);
    sigprocmask(SIG_UNBLOCK, &s, NULL);
}

static void nesting(void)
{
    puts("nesting");
    set(SIGUSR1, nest, 0);
    set(SIGUSR2, nest, SA_NODEFER);
    raise(SIGUSR1);
    puts("reset");
    set(SIGUSR1, note, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction old;
    sigaction(SIGUSR1, NULL, &old);
    printf("handler is default again: %d\n", old.sa_handler == SIG_DFL);
}

static void waiting(void)
{
    sigset_t s, old;
    siginfo_t info;
    struct timespec soon = {0, 20000000};
    puts("waiting");
    sigemptyset(&s);
    sigaddset(&s, SIGUSR2);
    sigaddset(&s, SIGCHLD);
    sigprocmask(SIG_BLOCK, &s, &old);
    result("sigtimedwait", sigtimedwait(&s, &info, &soon));
    raise(SIGUSR2);
    result("sigtimedwait", sigtimedwait(&s, &info, &soon));
    printf("code %d\n", info.si_code);
    raise(SIGCHLD); /* ignored by default, but in the awaited set */
    result("sigwaitinfo", sigwaitinfo(&s, &info));
    set(SIGUSR2, note, 0);
    raise(SIGUSR2);
    sigset_t none;
    sigemptyset(&none);
    result("sigsuspend", sigsuspend(&none));
    sigprocmask(SIG_BLOCK, NULL, &none);
    printf("still blocked: %d\n", sigismember(&none, SIGUSR2));
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void interrupted(int flags)
{
    int fd[2];
    char c;
    struct itimerval soon = {.it_value = {0, 20000}};
    struct sigaction action = {.sa_handler = plain, .sa_flags = flags};
    struct timespec second = {0, 500000000}, left = {0, 0};
    printf("interrupted calls, SA_RESTART %d\n", flags != 0);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    errno = 0;
    int r = nanosleep(&second, &left);
    printf("nanosleep %d errno %d, left %s\n", r, errno,
           left.tv_nsec > 400000000 ? "most" : "LITTLE");
    setitimer(ITIMER_REAL, &soon, NULL);
    result("pause", pause());
    if (flags == 0 && pipe(fd) == 0) {
        setitimer(ITIMER_REAL, &soon, NULL);
        result("read", read(fd[0], &c, 1));
        setitimer(ITIMER_REAL, &soon, NULL);
        result("clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, 0, &second, NULL));
    }
}

static int pipe_to_fill[2];

static void fill(int signal)
{
    (void)signal;
    if (write(pipe_to_fill[1], "!", 1) != 1)
        puts("write failed");
}

static void restarted(void)
{
    char c = 0;
    struct itimerval soon = {.it_value = {0, 20000}};
    struct sigaction action = {.sa_handler = fill, .sa_flags = SA_RESTART};
    puts("a read that is made again");
    if (pipe(pipe_to_fill) != 0)
        return;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    result("read", read(pipe_to_fill[0], &c, 1));
    printf("%c\n", c);
}

static volatile int ticks;

static void tick(int signal)
{
    (void)signal;
    ticks++;
}

static void timers(void)
{
    struct itimerval every = {{0, 5000}, {0, 5000}}, off = {{0, 0}, {0, 0}}, now;
    struct sigaction action = {.sa_handler = tick};
    puts("timers");
    sigaction(SIGALRM, &action, NULL);
    result("setitimer", setitimer(ITIMER_REAL, &every, NULL));
    while (ticks < 3)
        pause();
    result("getitimer", getitimer(ITIMER_REAL, &now));
    printf("interval %ld\n", (long)now.it_interval.tv_usec);
    result("setitimer", setitimer(ITIMER_REAL, &off, NULL));
    result("alarm", alarm(100));
    result("alarm", alarm(0));
    ticks = 0;
    sigaction(SIGVTALRM, &action, NULL);
    every = (struct itimerval){{0, 0}, {0, 2000}};
    result("setitimer virtual", setitimer(ITIMER_VIRTUAL, &every, NULL));
    while (ticks == 0)
        ;
    ticks = 0;
    sigaction(SIGPROF, &action, NULL);
    result("setitimer prof", setitimer(ITIMER_PROF, &every, NULL));
    while (ticks == 0)
        ;
    puts("both came");
}

static void timer_note(int signal, siginfo_t *info, void *context)
{
    (void)context;
    printf("  timer signal %d code %d value %d\n", signal, info->si_code, info->si_value.sival_int);
    ticks++;
}

static void posix_timers(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2};
    struct itimerspec when = {{0, 0}, {0, 5000000}}, now;
    struct sigaction action = {.sa_sigaction = timer_note, .sa_flags = SA_SIGINFO};
    sigset_t blocked, former;
    timer_t timer;
    puts("timer_create");
    event.sigev_value.sival_int = 42;
    sigaction(SIGRTMIN + 2, &action, NULL);
    result("timer_create", timer_create(CLOCK_MONOTONIC, &event, &timer));
    ticks = 0;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGRTMIN + 2); /* until the line is printed, however slow the machine */
    sigprocmask(SIG_BLOCK, &blocked, &former);
    result("timer_settime", timer_settime(timer, 0, &when, NULL));
    while (ticks == 0)
        sigsuspend(&former);
    sigprocmask(SIG_SETMASK, &former, NULL);
    result("timer_gettime", timer_gettime(timer, &now));
    printf("left %ld.%09ld\n", (long)now.it_value.tv_sec, now.it_value.tv_nsec);
    result("timer_getoverrun", timer_getoverrun(timer));
    when.it_value.tv_nsec = 1000000001;
    result("timer_settime", timer_settime(timer, 0, &when, NULL));
    result("timer_delete", timer_delete(timer));
    result("timer_delete", (long)syscall(SYS_timer_delete, 99));
    result("timer_create", (long)syscall(SYS_timer_create, 77, NULL, &timer));
}

/* A stopped ITIMER_REAL forgets its interval, the other two keep it. */
static void stopped_interval(void)
{
    static const int kinds[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
    for (int i = 0; i < 3; i++) {
        struct itimerval timer = {.it_interval = {.tv_sec = 10}}, was = {0};
        setitimer(kinds[i], &timer, NULL);
        setitimer(kinds[i], &(struct itimerval){0}, &was);
        printf("timer %d: interval %ld, value %ld\n", i, (long)was.it_interval.tv_sec,
               (long)was.it_value.tv_sec);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    stopped_interval();
    masks_and_queues();
    nesting();
    waiting();
    interrupted(0);
    interrupted(SA_RESTART);
    restarted();
    timers();
    posix_timers();
    return 0;
}
