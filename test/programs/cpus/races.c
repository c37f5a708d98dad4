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
 *   races realtime   with one real-time thread more than processors, that of the least priority waits
 *   races pull       a processor that has nothing to do takes a thread that waits for another
 *   races turns      threads that call the kernel all the time have it in turn
 *   races sequences  membarrier() ends restartable sequences on other processors
 *   races swap       pages are swapped out while threads elsewhere write to them: no store is lost (in Ouro alone)
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

/* realtime */

static pthread_t ordered[THREADS + 1];
static atomic_long rounds[THREADS + 1];
static atomic_bool begin;

static void *run_at(void *number)
{
    while (!begin)
        usleep(1000);
    while (!stop)
        rounds[(long)number]++;
    return NULL;
}

/* Linux moves threads a moment after the one that precedes them wakes. */
static bool waits(int one, int other)
{
    usleep(20000);
    long before = rounds[one], others = rounds[other];
    while (rounds[other] < others + 10000)
        usleep(1000);
    return cpus > THREADS || (rounds[one] - before) * 4 < rounds[other] - others;
}

/* The main thread precedes all. Each thread is created where its creator is, and has to be moved. */
static void realtime(void)
{
    struct sched_param highest = {.sched_priority = 90}, above = {.sched_priority = 50};
    pthread_setschedparam(pthread_self(), SCHED_FIFO, &highest);
    for (long i = 0; i <= cpus && i <= THREADS; i++) {
        struct sched_param priority = {.sched_priority = 10 + (int)i};
        pthread_create(&ordered[i], NULL, run_at, (void *)i);
        pthread_setschedparam(ordered[i], SCHED_FIFO, &priority);
    }
    usleep(20000);
    begin = true;
    truth("the least waits", waits(0, 1));
    pthread_setschedparam(ordered[0], SCHED_FIFO, &above);
    truth("raised above, it runs, and another waits", waits(1, 0));
    stop = true;
    for (int i = 0; i <= cpus && i <= THREADS; i++)
        pthread_join(ordered[i], NULL);
}

/* pull */

static void *anywhere(void *seen)
{
    while (!stop)
        atomic_fetch_or((atomic_long *)seen, 1L << sched_getcpu());
    return NULL;
}

static void pull(void)
{
    static atomic_long seen[THREADS + 1];
    pthread_t thread[THREADS + 1];
    put_on(0); /* the threads inherit that */
    for (int i = 0; i <= THREADS; i++)
        pthread_create(&thread[i], NULL, anywhere, &seen[i]);
    cpu_set_t all;
    memset(&all, 0xff, sizeof all);
    for (int i = 0; i <= THREADS; i++) {
        while (seen[i] == 0)
            usleep(1000);
        pthread_setaffinity_np(thread[i], sizeof all, &all);
    }
    for (long any = 0; any != (1L << (cpus < 60 ? cpus : 60)) - 1; usleep(1000)) {
        sched_setaffinity(0, sizeof all, &all);
        any = 0;
        for (int i = 0; i <= THREADS; i++)
            any |= seen[i];
        if (cpus > THREADS)
            break;
    }
    stop = true;
    for (int i = 0; i <= THREADS; i++)
        pthread_join(thread[i], NULL);
    puts("each processor had a thread");
}

/* turns */

static void *call_often(void *number)
{
    done++;
    while (done < THREADS)
        ;
    while (!stop)
        rounds[(long)number] += syscall(SYS_getuid) >= 0;
    return NULL;
}

static void turns(void)
{
    pthread_t thread[THREADS];
    for (long i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, call_often, (void *)i);
    for (int i = 0; i < THREADS; i++)
        while (rounds[i] < 2000)
            usleep(1000);
    stop = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    puts("all of them called");
}

/* sequences */

static struct {
    uint32_t cpu_id_start, cpu_id;
    uint64_t sequence;
    uint32_t flags;
    uint32_t padding[3];
} __attribute__((aligned(32))) registered;
static volatile long ended, inside;

/* Stays in a sequence until something ends it. */
static void stay_inside(void)
{
    __asm__ volatile("  leaq 10f(%%rip), %%rax\n"
                     "  movq %%rax, %[at]\n"
                     "1: movq $1, %[inside]\n"
                     "2: jmp 2b\n"
                     "3:\n"
                     "  .section .data.rseq, \"aw\"\n"
                     "  .balign 32\n"
                     "10: .long 0, 0\n"
                     "  .quad 1b, 3b - 1b, 4f\n"
                     "  .previous\n"
                     "  .section .text.rseq, \"ax\"\n"
                     "  .long 0x53053053\n"
                     "4: jmp 5f\n"
                     "  .previous\n"
                     "5: movq $0, %[inside]\n"
                     : [at] "=m"(registered.sequence), [inside] "=m"(inside)
                     :
                     : "rax", "memory");
}

static void *sequence(void *unused)
{
    put_on(1);
    if (syscall(SYS_rseq, &registered, 32, 0, 0x53053053) != 0)
        wrong++;
    while (!stop) {
        stay_inside();
        ended++;
    }
    return unused;
}

static void sequences(void)
{
    pthread_t thread;
    struct sched_param realtime = {.sched_priority = 1};
    put_on(0);
    result("rseq before the registration", syscall(SYS_membarrier, 128, 0, 0));
    result("registration", syscall(SYS_membarrier, 256, 0, 0));
    pthread_create(&thread, NULL, sequence, NULL);
    pthread_setschedparam(thread, SCHED_FIFO, &realtime); /* so that the end of a slice ends none */
    for (int i = 0; i < 50; i++) {
        while (!inside)
            ;
        long before = ended;
        wrong += syscall(SYS_membarrier, 128, i % 2, 1) != 0;
        while (inside && ended == before)
            ;
    }
    stop = true;
    while (!inside)
        ;
    syscall(SYS_membarrier, 128, 1, 1);
    pthread_join(thread, NULL);
    truth("each sequence was ended", wrong == 0 && ended >= 50);
}

/* swap */

#define SWAPPED 1500 /* pages of each thread */

static void *write_all(void *number)
{
    volatile uint32_t *mine = (volatile uint32_t *)(void *)(area + (long)number * SWAPPED * PAGE);
    for (uint32_t round = 1; round <= 6; round++)
        for (int page = 0; page < SWAPPED; page++) {
            volatile uint32_t *at = mine + page * (PAGE / 4);
            for (int word = 0; word < 64; word++) {
                wrong += at[word] != round - 1;
                at[word] = round;
            }
        }
    return NULL;
}

static void swapped(void)
{
    area = mmap(NULL, (long)THREADS * SWAPPED * PAGE, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    in_threads(write_all, THREADS);
    truth("no store is lost", wrong == 0);
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
    else if (strcmp(what, "realtime") == 0)
        realtime();
    else if (strcmp(what, "pull") == 0)
        pull();
    else if (strcmp(what, "turns") == 0)
        turns();
    else if (strcmp(what, "sequences") == 0)
        sequences();
    else if (strcmp(what, "swap") == 0)
        swapped();
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
