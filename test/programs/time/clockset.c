/* SPDX-License-Identifier: MIT */
/*
 * What follows the realtime clock when it is set: absolute sleeps, timers and waits on it; relative ones do not.
 * On Linux the program does not set the clock, because that is the clock of a computer in use. It prints what Linux does.
 */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define FUTEX_WAIT_BITSET    9
#define FUTEX_CLOCK_REALTIME 256

static bool here;
static uint32_t word;

static double now_of(int clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct timespec real_in(time_t seconds)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += seconds;
    return t;
}

static void forward(time_t seconds)
{
    struct timespec t = real_in(seconds);
    if (here)
        clock_settime(CLOCK_REALTIME, &t);
}

static volatile bool done;

/* Sets the clock again and again: the first times may be before the wait. */
static void *sets(void *seconds)
{
    do {
        usleep(50000);
        forward((time_t)(intptr_t)seconds);
    } while (here && !done);
    return NULL;
}

/* Each waits 1000 s; true if the clock's new time ended it. */
static int nap(void)
{
    struct timespec t = real_in(1000);
    return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL) == 0;
}

static int futex(void)
{
    struct timespec t = real_in(1000);
    return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &t, NULL, -1) ==
               -1 &&
           errno == ETIMEDOUT;
}

static int waitv(void)
{
    struct timespec t = real_in(1000);
    struct {
        uint64_t value, address;
        uint32_t flags, reserved;
    } one = {0, (uint64_t)(uintptr_t)&word, 2, 0};
    return syscall(449, &one, 1, 0, &t, CLOCK_REALTIME) == -1 && errno == ETIMEDOUT;
}

static volatile uint32_t lock;
static volatile bool given_up;

/* Its tid in the word is its possession of the lock. */
static void *holds(void *unused)
{
    lock = (uint32_t)syscall(SYS_gettid);
    while (!given_up)
        usleep(1000);
    return unused;
}

static int lock_pi(int operation)
{
    pthread_t thread;
    struct timespec t = real_in(1000);
    lock = given_up = 0;
    pthread_create(&thread, NULL, holds, NULL);
    while (lock == 0)
        usleep(1000);
    int ok = syscall(SYS_futex, &lock, operation, 0, &t, NULL, 0) == -1 && errno == ETIMEDOUT;
    given_up = true;
    pthread_join(thread, NULL);
    return ok;
}

static int lock_pi_1(void)
{
    return lock_pi(6); /* FUTEX_LOCK_PI, always of the realtime clock */
}

static int lock_pi_2(void)
{
    return lock_pi(13 | FUTEX_CLOCK_REALTIME);
}

#ifdef __GLIBC__ /* musl waits for what is left of the time when the wait begins */
static int condition(void)
{
    struct timespec t = real_in(1000);
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t c = PTHREAD_COND_INITIALIZER;
    pthread_mutex_lock(&m);
    int r = pthread_cond_timedwait(&c, &m, &t);
    pthread_mutex_unlock(&m);
    return r == ETIMEDOUT;
}
#endif

static int descriptor(void)
{
    uint64_t count = 0;
    struct itimerspec its = {.it_value = real_in(1000)};
    int fd = timerfd_create(CLOCK_REALTIME, 0);
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL);
    long r = read(fd, &count, sizeof count);
    close(fd);
    return r == 8 && count == 1;
}

static int cancelled(void)
{
    uint64_t count = 0;
    struct itimerspec its = {.it_value = real_in(100000)};
    int fd = timerfd_create(CLOCK_REALTIME, 0);
    timerfd_settime(fd, TFD_TIMER_ABSTIME | 2 /* TFD_TIMER_CANCEL_ON_SET */, &its, NULL);
    forward(1001);
    int ok = read(fd, &count, sizeof count) == -1 && errno == ECANCELED;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    ok = ok && read(fd, &count, sizeof count) == -1 && errno == EAGAIN;
    timerfd_gettime(fd, &its);
    ok = ok && its.it_value.tv_sec > 98000 && its.it_value.tv_sec < 99001;
    close(fd);
    return ok;
}

static int timer(void)
{
    timer_t id;
    sigset_t set;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec its = {.it_value = real_in(1000)};
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    timer_create(CLOCK_REALTIME, &event, &id);
    timer_settime(id, TIMER_ABSTIME, &its, NULL);
    int r = sigwaitinfo(&set, NULL);
    timer_delete(id);
    return r == SIGUSR1;
}

static void ended(const char *what, int (*wait)(void))
{
    pthread_t thread;
    double start = now_of(CLOCK_MONOTONIC);
    done = false;
    pthread_create(&thread, NULL, sets, (void *)(intptr_t)1001);
    truth(what, !here || (wait() && now_of(CLOCK_MONOTONIC) - start < 500));
    done = true;
    pthread_join(thread, NULL);
}

/* Setting the clock back or forth leaves relative waits alone. */
static void relative(void)
{
    pthread_t thread;
    double start = now_of(CLOCK_MONOTONIC);
    struct timespec t = {0, 200000000};
    done = false;
    pthread_create(&thread, NULL, sets, (void *)(intptr_t)100000);
    truth("relative sleep", clock_nanosleep(CLOCK_REALTIME, 0, &t, NULL) == 0);
    done = true;
    truth("was not cut", now_of(CLOCK_MONOTONIC) - start >= 0.2);
    pthread_join(thread, NULL);
    struct itimerspec its = {.it_value = {1000, 0}}, left;
    int fd = timerfd_create(CLOCK_REALTIME, 0);
    timerfd_settime(fd, 0, &its, NULL);
    forward(5000);
    timerfd_gettime(fd, &left);
    truth("relative timer", left.it_value.tv_sec > 900);
    its.it_value = real_in(1000);
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL);
    forward(-3000);
    timerfd_gettime(fd, &left);
    truth("back", !here || (left.it_value.tv_sec > 3900 && left.it_value.tv_sec <= 4000));
    close(fd);
}

/* Before the machine's start, and later than thirty years before the end of the clock. */
static int refused(time_t seconds)
{
    struct timespec t = {seconds, 1};
    return !here || (clock_settime(CLOCK_REALTIME, &t) == -1 && errno == EINVAL);
}

int main(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL); /* before there are threads */
    here = access("/proc/ouro", F_OK) == 0;
    ended("sleep", nap);
    ended("futex", futex);
    ended("futex_waitv", waitv);
    ended("lock with priority inheritance", lock_pi_1);
    ended("the same, another call", lock_pi_2);
#ifdef __GLIBC__
    ended("condition", condition);
#endif
    ended("timerfd", descriptor);
    truth("timerfd, cancelled", !here || cancelled());
    ended("timer", timer);
    relative();
    truth("too early", refused(0));
    truth("too late", refused(INT64_MAX / 1000000000 - 30L * 365 * 24 * 3600));
    return 0;
}
