/* SPDX-License-Identifier: MIT */
/* Pending signals: which are kept, in which order they are taken, and what is told of them. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static const struct timespec none = {0, 0};

static sigset_t set_of(int a, int b)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, a);
    sigaddset(&set, b);
    return set;
}

/* All that is pending, in order. */
static void taken(const char *what, const sigset_t *set)
{
    siginfo_t info;
    printf("%s:", what);
    while (sigtimedwait(set, &info, &none) > 0)
        printf(" %d code %d",
               info.si_signo >= SIGRTMIN ? 100 + info.si_signo - SIGRTMIN : info.si_signo,
               info.si_code);
    puts("");
}

static void *sends(void *thread)
{
    usleep(20000);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    pthread_kill(*(pthread_t *)thread, SIGCHLD);
    pthread_kill(*(pthread_t *)thread, SIGUSR2);
    return NULL;
}

/* An ignored signal that is not blocked is not queued, not even while a thread waits for it. */
static void ignored(void)
{
    siginfo_t info;
    struct timespec some = {5, 0};
    sigset_t set = set_of(SIGUSR1, SIGCHLD), last = set_of(SIGUSR2, SIGUSR2), blocked;
    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
    raise(SIGCHLD);
    taken("ignored", &set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    raise(SIGCHLD);
    taken("ignored and blocked", &set);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_IGN);
    taken("ignored again", &set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    sigprocmask(SIG_BLOCK, &last, &blocked);
    sigaddset(&set, SIGUSR2);
    pthread_t self = pthread_self(), thread;
    pthread_create(&thread, NULL, sends, &self);
    result("waits for ignored ones", sigtimedwait(&set, &info, &some));
    pthread_join(thread, NULL);
    set = set_of(SIGUSR1, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigaddset(&set, SIGUSR2);
    pthread_create(&thread, NULL, sends, &self);
    result("blocked", sigtimedwait(&set, &info, &some));
    pthread_join(thread, NULL);
    taken("the others", &set);
    signal(SIGUSR1, SIG_DFL);
}

static timer_t timer(int signal, int value)
{
    timer_t id;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
    event.sigev_value.sival_int = value;
    result("timer", timer_create(CLOCK_MONOTONIC, &event, &id));
    return id;
}

static void set(timer_t id, long first, long interval)
{
    struct itimerspec to = {{0, interval * 1000}, {0, first * 1000}};
    timer_settime(id, 0, &to, NULL);
}

/* Timers queue their signal though it is pending by others. */
static void timers(void)
{
    siginfo_t info;
    sigset_t wanted = set_of(SIGUSR1, SIGUSR2);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    timer_t one = timer(SIGUSR1, 1), two = timer(SIGUSR1, 2);
    kill(getpid(), SIGUSR1);
    set(one, 1000, 1000);
    usleep(20000);
    set(two, 1000, 0);
    usleep(20000);
    kill(getpid(), SIGUSR1);
    result("first", sigtimedwait(&wanted, &info, &none));
    truth("of kill()", info.si_code == SI_USER);
    result("second", sigtimedwait(&wanted, &info, &none));
    truth("of the timer", info.si_code == SI_TIMER && info.si_value.sival_int == 1);
    truth("it overran", info.si_overrun >= 20 && timer_getoverrun(one) == info.si_overrun);
    set(one, 0, 0);
    result("third", sigtimedwait(&wanted, &info, &none));
    truth("of the other timer", info.si_code == SI_TIMER && info.si_value.sival_int == 2);
    truth("once", info.si_overrun == 0);
    while (sigtimedwait(&wanted, &info, &none) > 0)
        ;
    set(two, 1000, 0);
    usleep(20000);
    kill(getpid(), SIGUSR1);
    result("the timer", sigtimedwait(&wanted, &info, &none));
    truth("of the timer", info.si_code == SI_TIMER);
    result("not kill()", sigtimedwait(&wanted, &info, &none));
    set(one, 1000, 0);
    usleep(20000);
    result("deleted", timer_delete(one));
    result("its signal", sigtimedwait(&wanted, &info, &none));
    timer_delete(two);
}

static void order(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    union sigval value = {0};
    sigqueue(getpid(), SIGRTMIN + 3, value);
    sigqueue(getpid(), SIGRTMIN + 1, value);
    kill(getpid(), SIGRTMIN + 1);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGTERM);
    sigqueue(getpid(), SIGRTMIN + 3, value);
    kill(getpid(), SIGSEGV);
    kill(getpid(), SIGCONT);
    kill(getpid(), SIGTSTP);
    pthread_kill(pthread_self(), SIGRTMIN + 9);
    taken("order", &all);
    kill(getpid(), SIGTSTP);
    kill(getpid(), SIGCONT);
    taken("SIGCONT", &all);
}

static volatile sig_atomic_t depth, deepest, calls;

static void again(int number)
{
    calls++;
    depth++;
    deepest = depth > deepest ? depth : deepest;
    if (calls < 3)
        raise(number);
    depth--;
}

static void flags(void)
{
    struct sigaction now, action = {.sa_handler = again, .sa_flags = SA_NODEFER};
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    printf("NODEFER: %d calls, %d deep\n", calls, deepest);
    calls = deepest = 0;
    action.sa_flags = 0;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    printf("deferred: %d calls, %d deep\n", calls, deepest);
    calls = 2;
    action.sa_flags = SA_RESETHAND;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &now);
    printf("RESETHAND: %d calls, default %d, flags %#x\n", calls, now.sa_handler == SIG_DFL,
           now.sa_flags & (int)~0x04000000u);
}

/* The alternate stack. */
static char stack[65536];
static volatile int on_it;

static void looks(int number)
{
    stack_t now;
    (void)number;
    sigaltstack(NULL, &now);
    on_it = now.ss_flags;
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    result("changed on it", sigaltstack(&other, NULL));
}

static void alternate(void)
{
    struct sigaction action = {.sa_handler = looks, .sa_flags = SA_ONSTACK};
    stack_t now, s = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaction(SIGUSR1, &action, NULL);
    s.ss_size = 2047;
    result("too small", sigaltstack(&s, NULL));
    s.ss_size = sizeof stack;
    s.ss_flags = 4;
    result("unknown flag", sigaltstack(&s, NULL));
    s.ss_flags = SS_ONSTACK;
    result("set", sigaltstack(&s, NULL));
    raise(SIGUSR1);
    printf("flags there %#x\n", on_it);
    sigaltstack(NULL, &now);
    printf("flags here %#x\n", now.ss_flags);
    s.ss_flags = (int)(1u << 31); /* SS_AUTODISARM */
    result("disarmed by itself", sigaltstack(&s, NULL));
    raise(SIGUSR1);
    printf("flags there %#x\n", on_it);
    sigaltstack(NULL, &now);
    printf("size here %zu\n",
           now.ss_size); /* whether the flag is back depends on Linux's version */
    s.ss_flags = SS_DISABLE;
    result("off", sigaltstack(&s, NULL));
    sigaltstack(NULL, &now);
    printf("flags %#x size %zu\n", now.ss_flags, now.ss_size);
}

static void sizes(void)
{
    siginfo_t info;
    sigset_t set = set_of(SIGXFSZ, SIGPIPE);
    struct rlimit limit = {10, RLIM_INFINITY};
    sigprocmask(SIG_BLOCK, &set, NULL);
    FILE *file = tmpfile();
    int p[2];
    setrlimit(RLIMIT_FSIZE, &limit); /* which holds for the standard output too */
    long some = write(fileno(file), "12345678901234567890", 20);
    long more = write(fileno(file), "1", 1);
    int error = errno;
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    result("10 of 20", some);
    errno = error;
    result("more", more);
    result("XFSZ", sigtimedwait(&set, &info, &none) == SIGXFSZ);
    printf("code %d, of this process: %d\n", info.si_code, info.si_pid == getpid());
    pipe(p);
    close(p[0]);
    result("no reader", write(p[1], "x", 1));
    result("PIPE", sigtimedwait(&set, &info, &none) == SIGPIPE);
    printf("code %d, of this process: %d\n", info.si_code, info.si_pid == getpid());
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    ignored();
    timers();
    order();
    flags();
    alternate();
    sizes();
    return 0;
}
