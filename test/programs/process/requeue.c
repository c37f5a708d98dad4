/* SPDX-License-Identifier: MIT */
/* FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: a condition variable with a priority-inheriting lock. */
#define _GNU_SOURCE
#include "result.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOCK_PI         6
#define UNLOCK_PI       7
#define WAIT_REQUEUE_PI 11
#define CMP_REQUEUE_PI  12
#define PRIVATE         128
#define WAITERS         5

static _Atomic uint32_t condition, lock, other;
static _Atomic int arrived, passed;
static uint32_t inside, expected;

/* The word must have the value `expected` for CMP_REQUEUE_PI. */
static long futex(_Atomic uint32_t *at, int operation, uint32_t value, uintptr_t time,
                  _Atomic uint32_t *second)
{
    return syscall(SYS_futex, at, operation | PRIVATE, value, time, second, expected);
}

static void unlock(void)
{
    uint32_t self = (uint32_t)syscall(SYS_gettid);
    if (!atomic_compare_exchange_strong(&lock, &self, 0))
        futex(&lock, UNLOCK_PI, 0, 0, NULL);
}

static void take(void)
{
    uint32_t free = 0;
    if (!atomic_compare_exchange_strong(&lock, &free, (uint32_t)syscall(SYS_gettid)))
        futex(&lock, LOCK_PI, 0, 0, NULL);
}

static struct timespec in(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void *waits(void *unused)
{
    (void)unused;
    arrived++;
    long r = futex(&condition, WAIT_REQUEUE_PI, 0, 0, &lock);
    if (r != 0)
        printf("wait: %s\n", strerror(errno));
    if ((lock & 0x3fffffff) != (uint32_t)syscall(SYS_gettid))
        printf("it does not hold the lock\n");
    inside++;
    passed++;
    unlock();
    return NULL;
}

/* Begins the waits, and gives them the time to sleep: requeue tells how many did. */
static void begin(pthread_t *threads)
{
    arrived = passed = 0;
    inside = 0;
    condition = 0;
    for (int i = 0; i < WAITERS; i++)
        pthread_create(&threads[i], NULL, waits, NULL);
    while (arrived < WAITERS)
        usleep(1000);
    usleep(20000);
}

static void end(pthread_t *threads)
{
    for (int i = 0; i < WAITERS; i++)
        pthread_join(threads[i], NULL);
    printf("%d passed, %u inside, the lock is %s\n", passed, inside, lock == 0 ? "free" : "held");
}

/* The waiters that have not gone to sleep yet come later. */
static long move_all(long moved)
{
    long r;
    for (int tries = 0; tries < 1000 && moved < WAITERS; tries++) {
        r = futex(&condition, CMP_REQUEUE_PI, 1, INT32_MAX, &lock);
        if (r < 0)
            return r;
        moved += r;
        if (r == 0)
            usleep(1000);
    }
    return moved;
}

static void errors(void)
{
    struct timespec soon = in(20);
    result("same futex", futex(&condition, WAIT_REQUEUE_PI, 0, 0, &condition));
    result("value", futex(&condition, WAIT_REQUEUE_PI, 1, 0, &lock));
    result("in time", futex(&condition, WAIT_REQUEUE_PI, 0, (uintptr_t)&soon, &lock));
    result("pointer", futex(&condition, WAIT_REQUEUE_PI, 0, 0, (_Atomic uint32_t *)(uintptr_t)6));
    result("requeue, same futex", futex(&condition, CMP_REQUEUE_PI, 1, 1, &condition));
    result("requeue, two to wake", futex(&condition, CMP_REQUEUE_PI, 2, 1, &lock));
    result("requeue, none to wake", futex(&condition, CMP_REQUEUE_PI, 0, 1, &lock));
    expected = 1;
    result("requeue, value", futex(&condition, CMP_REQUEUE_PI, 1, 1, &lock));
    expected = 0;
    result("requeue, nobody", futex(&condition, CMP_REQUEUE_PI, 1, 1, &lock));
    result("requeue, negative", futex(&condition, CMP_REQUEUE_PI, 1, (uintptr_t)-1, &lock));
}

int main(void)
{
    pthread_t threads[WAITERS];
    setvbuf(stdout, NULL, _IOLBF, 0);
    errors();
    /* The caller holds the lock: all wait for it. */
    begin(threads);
    take();
    result("moved", move_all(0));
    printf("%d passed\n", passed);
    unlock();
    end(threads);
    /* The lock is free: the first gets it at once. */
    begin(threads);
    result("moved", move_all(0));
    end(threads);
    /* Two at a time. */
    begin(threads);
    take();
    long two = futex(&condition, CMP_REQUEUE_PI, 1, 1, &lock);
    long r;
    while ((r = futex(&condition, CMP_REQUEUE_PI, 1, 1, &other)) == 0)
        usleep(1000); /* the rest is not asleep yet */
    result("to another lock", r);
    result("two and the rest", move_all(two));
    unlock();
    end(threads);
    /* The waiters are for CMP_REQUEUE_PI only. */
    begin(threads);
    result("wake", syscall(SYS_futex, &condition, 1 | PRIVATE, 9));
    result("requeue", syscall(SYS_futex, &condition, 3 | PRIVATE, 0, 9, &other));
    result("moved", move_all(0));
    end(threads);
    return 0;
}
