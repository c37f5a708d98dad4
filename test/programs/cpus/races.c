/* SPDX-License-Identifier: MIT */
/*
 * Threads of one program on several processors at once. Prints nothing that differs from run to run, on any number of them.
 *
 *   races places     each thread is where its affinity and sched_getcpu() say, and moves when told to
 *   races rights     no store passes after mprotect() and munmap() have returned, on whatever processor
 *   races frames     no page shows another's contents; a new one shows zeros alone
 *   races words      counters under mutexes, futexes, PI mutexes and semaphores lose nothing
 *   races vectors    floating-point registers stay each thread's
 *   races signals    signals to threads that run elsewhere arrive
 */
#define _GNU_SOURCE
#include "result.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 4
#define PAGE    4096
#define PAGES   16

static int cpus;
static atomic_long wrong, done;
static atomic_bool stop;

static void in_threads(void *(*function)(void *), int count)
{
    pthread_t thread[THREADS];
    for (long i = 0; i < count; i++)
        pthread_create(&thread[i], NULL, function, (void *)i);
    for (int i = 0; i < count; i++)
        pthread_join(thread[i], NULL);
}

/* places */

static int put_on(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set);
}

static void *move_around(void *number)
{
    for (int i = 0; i < 50; i++) {
        int cpu = (int)((long)number + i) % cpus;
        unsigned by_call = 99;
        if (put_on(cpu) != 0 || sched_getcpu() != cpu ||
            syscall(SYS_getcpu, &by_call, NULL, NULL) != 0 || (int)by_call != cpu)
            wrong++;
        if (i % 10 == 0)
            usleep(1000);
        if (sched_getcpu() != cpu)
            wrong++;
    }
    return NULL;
}

static void places(void)
{
    cpu_set_t set;
    in_threads(move_around, THREADS);
    truth("each thread was where it was put", wrong == 0);
    CPU_ZERO(&set);
    CPU_SET(1000, &set);
    result("a processor that is not there", sched_setaffinity(0, sizeof set, &set));
}

/* rights */

static char *area;
static atomic_uint turn; /* odd: the pages may not be written */
static atomic_long caught;
static __thread sigjmp_buf back;

static void fault(int signal)
{
    (void)signal;
    caught++;
    siglongjmp(back, 1);
}

static void *store(void *number)
{
    for (volatile unsigned i = (unsigned)(long)number; !stop; i++) {
        volatile char *at = area + i % PAGES * PAGE + 8;
        unsigned before = turn;
        if (sigsetjmp(back, 1) != 0)
            continue;
        *at = (char)i;
        if (before % 2 == 1 && turn == before)
            wrong++;
        done++;
    }
    return NULL;
}

static void wait_for(atomic_long *count, long more)
{
    long until = *count + more;
    while (*count < until)
        sched_yield();
}

static void rights(void)
{
    pthread_t thread[THREADS];
    struct sigaction action = {.sa_handler = fault, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long i = 0; i < THREADS - 1; i++)
        pthread_create(&thread[i], NULL, store, (void *)i);
    for (int round = 0; round < 40; round++) {
        wait_for(&done, 1);
        if (round % 4 == 0)
            munmap(area, PAGES * PAGE);
        else if (round % 4 == 1)
            mprotect(area, PAGES * PAGE, PROT_NONE);
        else if (round % 4 == 2)
            mprotect(area, PAGES * PAGE, PROT_READ);
        else
            mremap(area, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                   area + (1L << 32));
        turn++;
        wait_for(&caught, 3);
        turn++;
        if (round % 4 == 0 || round % 4 == 3)
            mmap(area, PAGES * PAGE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        else
            mprotect(area, PAGES * PAGE, PROT_READ | PROT_WRITE);
    }
    stop = true;
    for (int i = 0; i < THREADS - 1; i++)
        pthread_join(thread[i], NULL);
    truth("no store after the right was taken", wrong == 0);
}

/* frames */

static void *fill(void *number)
{
    for (int i = 0; i < 60; i++) {
        uint64_t *p =
            mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (int k = 0; k < PAGES; k++)
            for (int word = 0; word < 512; word += 37)
                wrong += p[k * 512 + word] != 0;
        for (int k = 0; k < PAGES; k++)
            p[k * 512] = (uint64_t)(long)number << 32 | (uint64_t)k;
        for (int k = 0; k < PAGES; k++)
            wrong += p[k * 512] != ((uint64_t)(long)number << 32 | (uint64_t)k);
        munmap(p, PAGES * PAGE);
    }
    return NULL;
}

/* All threads fault on the same pages. */
static void *touch(void *number)
{
    for (int k = 0; k < 200; k++) {
        atomic_fetch_add((_Atomic int *)(void *)(area + k * PAGE), 1);
        atomic_fetch_add((_Atomic int *)(void *)(area + k * PAGE + 4 * ((long)number + 1)), 1);
    }
    return NULL;
}

static void frames(void)
{
    in_threads(fill, THREADS);
    truth("new pages are zero, and one's own", wrong == 0);
    area = mmap(NULL, 200 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    in_threads(touch, THREADS);
    for (int k = 0; k < 200; k++)
        wrong += *(int *)(void *)(area + k * PAGE) != THREADS;
    truth("no store is lost in a first touch", wrong == 0);
    if (fork() == 0) {
        in_threads(touch, THREADS);
        for (int k = 0; k < 200; k++)
            wrong += *(int *)(void *)(area + k * PAGE) != 2 * THREADS;
        _exit(wrong != 0);
    }
    in_threads(touch, THREADS);
    int status = -1;
    wait(&status);
    for (int k = 0; k < 200; k++)
        wrong += *(int *)(void *)(area + k * PAGE) != 2 * THREADS;
    truth("nor in copies after fork()", wrong == 0 && status == 0);
}

/* words */

static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER, inheriting;
static sem_t semaphore;
static long counted[3];

static void *count(void *number)
{
    (void)number;
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&plain);
        counted[0]++;
        pthread_mutex_unlock(&plain);
        if (i % 4 == 0) {
            pthread_mutex_lock(&inheriting);
            counted[1]++;
            pthread_mutex_unlock(&inheriting);
        }
        sem_wait(&semaphore);
        counted[2]++;
        sem_post(&semaphore);
    }
    return NULL;
}

static void words(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&inheriting, &attributes);
    sem_init(&semaphore, 0, 1);
    in_threads(count, THREADS);
    truth("mutex", counted[0] == THREADS * 2000);
    truth("PI mutex", counted[1] == THREADS * 500);
    truth("semaphore", counted[2] == THREADS * 2000);
}

/* vectors */

static void *sum(void *number)
{
    double mine = (double)(long)number + 1, total = 0;
    for (int i = 0; i < 100; i++) {
        for (int k = 0; k < 2000; k++)
            total += mine;
        if (i % 10 == 0)
            put_on((int)((long)number + i / 10) % cpus);
        if (i % 7 == 0)
            sched_yield();
    }
    wrong += total != mine * 200000;
    return NULL;
}

/* signals */

static atomic_long handled;
static void handle(int signal)
{
    (void)signal;
    handled++;
}

static void *spin(void *unused)
{
    (void)unused;
    done++;
    while (!stop)
        ;
    return NULL;
}

static void signals(void)
{
    pthread_t thread[2];
    struct sigaction action = {.sa_handler = handle};
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, spin, NULL);
    while (done < 2)
        sched_yield();
    for (int i = 0; i < 100; i++) {
        long before = handled;
        pthread_kill(thread[i % 2], SIGUSR1);
        while (handled == before)
            sched_yield();
    }
    stop = true;
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    truth("each signal was handled", handled == 100);
    if (fork() == 0) {
        stop = false;
        pthread_create(&thread[0], NULL, spin, NULL);
        pthread_create(&thread[1], NULL, spin, NULL);
        usleep(2000);
        _exit(7); /* while they run */
    }
    int status = 0;
    wait(&status);
    result("a process ends with threads that run", WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (strcmp(what, "places") == 0)
        places();
    else if (strcmp(what, "rights") == 0)
        rights();
    else if (strcmp(what, "frames") == 0)
        frames();
    else if (strcmp(what, "words") == 0)
        words();
    else if (strcmp(what, "signals") == 0)
        signals();
    else if (strcmp(what, "vectors") == 0) {
        in_threads(sum, THREADS);
        truth("sums", wrong == 0);
    } else if (strcmp(what, "count") == 0) {
        printf("%d\n", cpus);
    } else {
        return 2;
    }
    return 0;
}
