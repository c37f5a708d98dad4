/* SPDX-License-Identifier: MIT */
/*
 * What threads do in the kernel at the same time (docs/cpus.md). Prints nothing that differs from run to run, on any number of processors.
 *
 *   shares faults    page faults beside munmap(), mprotect(), madvise(), fork() and exec: a page holds what its thread stored, or zeros
 *   shares futexes   wake-ups beside time-outs, signals and the ends of threads: none is lost
 *   shares pipes     readers and writers of a pipe and an eventfd: each record arrives once, in order
 */
#define _GNU_SOURCE
#include "result.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 3
#define PAGE    4096
#define PAGES   32
#define ROUNDS  400

/* linux/futex.h, which musl has not */
#define FUTEX_WAIT    0
#define FUTEX_WAKE    1
#define FUTEX_PRIVATE 128

static atomic_long wrong;
static atomic_bool stop;

static void in_threads(pthread_t *thread, void *(*function)(void *), int count)
{
    for (long i = 0; i < count; i++)
        pthread_create(&thread[i], NULL, function, (void *)i);
}

static void join(const pthread_t *thread, int count)
{
    for (int i = 0; i < count; i++)
        pthread_join(thread[i], NULL);
}

/* faults */

static char *area;
static __thread sigjmp_buf back;

static void fault(int signal)
{
    (void)signal;
    siglongjmp(back, 1);
}

static void *store(void *number)
{
    volatile uint64_t value = (uint64_t)(long)number << 32;
    while (!stop) {
        volatile uint64_t *at =
            (volatile uint64_t *)(void *)(area + ++value % PAGES * PAGE + 8 * (long)number);
        if (sigsetjmp(back, 1) != 0)
            continue;
        uint64_t before = *at;
        if (before != 0 && before >> 32 != (uint64_t)(long)number)
            wrong++;
        *at = value;
        before = *at;
        if (before != value && before != 0)
            wrong++;
    }
    return NULL;
}

static void run(const char *self)
{
    if (self)
        execl(self, self, "nothing", (char *)NULL);
    for (int k = 0; k < PAGES; k++)
        area[k * PAGE + 2048] = 1;
    _exit(0);
}

static void faults(const char *self)
{
    pthread_t thread[THREADS];
    struct sigaction action = {.sa_handler = fault, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int storing =
        (int)sysconf(_SC_NPROCESSORS_ONLN) - 1; /* else this thread waits for their slices */
    storing = storing < 1 ? 1 : storing < THREADS ? storing : THREADS;
    in_threads(thread, store, storing);
    for (int round = 0; round < ROUNDS; round++) {
        char *half = area + round % 2 * (PAGES / 2) * PAGE;
        if (round % 4 == 0) {
            madvise(half, PAGES / 2 * PAGE, MADV_DONTNEED);
        } else if (round % 4 == 1) {
            munmap(half, PAGES / 2 * PAGE);
            mmap(half, PAGES / 2 * PAGE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        } else if (round % 4 == 2) {
            mprotect(half, PAGES / 2 * PAGE, PROT_READ);
            mprotect(half, PAGES / 2 * PAGE, PROT_READ | PROT_WRITE);
        } else if (round % 16 == 3) {
            int status = -1;
            if (fork() == 0)
                run(round % 64 == 3 ? self : NULL);
            wait(&status);
            wrong += status != 0;
        }
    }
    stop = true;
    join(thread, storing);
    truth("a page holds its threads' words or zeros", wrong == 0);
}

/* futexes */

static atomic_uint word[THREADS];
static atomic_long passed;

static long futex(atomic_uint *at, int operation, unsigned value, const struct timespec *limit)
{
    return syscall(SYS_futex, at, operation | FUTEX_PRIVATE, value, limit, NULL, 0);
}

/* Passes a token on in a ring; each hop is one wait and one wake-up. */
static void *pass_on(void *number)
{
    long self = (long)number, next = (self + 1) % THREADS;
    struct timespec soon = {0, 200000};
    for (unsigned round = 0; round < ROUNDS; round++) {
        while (word[self] == round)
            futex(&word[self], FUTEX_WAIT, round, round % 8 == 0 ? &soon : NULL);
        passed++;
        if (self != THREADS - 1 || round != ROUNDS - 1) {
            word[next]++;
            futex(&word[next], FUTEX_WAKE, 1, NULL);
        }
    }
    return NULL;
}

static void *waits_once(void *at)
{
    while (*(atomic_uint *)at == 0)
        futex(at, FUTEX_WAIT, 0, NULL);
    return NULL;
}

static void nothing(int signal)
{
    (void)signal;
}

static void futexes(void)
{
    pthread_t thread[THREADS];
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGUSR1, &action, NULL);
    in_threads(thread, pass_on, THREADS);
    word[0]++;
    futex(&word[0], FUTEX_WAKE, 1, NULL);
    for (int i = 0; i < 50; i++) {
        pthread_kill(thread[i % THREADS], SIGUSR1);
        nanosleep(&(struct timespec){0, 100000}, NULL);
    }
    join(thread, THREADS);
    truth("the token went round", passed == THREADS * ROUNDS);
    /* The waiter's stack may be gone as soon as it has seen the word. */
    for (int i = 0; i < ROUNDS / 2; i++) {
        static atomic_uint gate;
        gate = 0;
        pthread_create(&thread[0], NULL, waits_once, &gate);
        pthread_create(&thread[1], NULL, waits_once, &gate);
        if (i % 3 == 0)
            sched_yield();
        gate = 1;
        futex(&gate, FUTEX_WAKE, 2, NULL);
        join(thread, 2);
    }
    truth("threads that were woken ended", true);
}

/* pipes */

#define RECORDS 3000
static int ends[2], counter;
static atomic_long records, sum;

static void *write_records(void *number)
{
    for (long i = 1; i <= RECORDS; i++) {
        uint64_t record = (uint64_t)(long)number << 32 | (uint64_t)i, one = 1;
        wrong += write(ends[1], &record, sizeof record) != sizeof record;
        if (i % 8 == 0)
            wrong += write(counter, &one, sizeof one) != sizeof one;
    }
    return NULL;
}

static void *read_records(void *unused)
{
    uint64_t got[16], last[2] = {0, 0}, one;
    ssize_t n;
    while ((n = read(ends[0], got, sizeof got)) > 0) {
        wrong += n % 8 != 0;
        for (int i = 0; i < n / 8; i++) {
            uint64_t from = got[i] >> 32, index = got[i] & UINT32_MAX;
            wrong += from > 1 || index <= last[from & 1];
            last[from & 1] = index;
            records++;
            sum += (long)index;
        }
        if (read(counter, &one, sizeof one) == sizeof one)
            wrong += one != 1;
    }
    return unused;
}

static void pipes(void)
{
    pthread_t readers[2], writers[2];
    uint64_t rest = 0, one;
    if (pipe(ends) != 0)
        return;
    counter = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
    in_threads(readers, read_records, 2);
    in_threads(writers, write_records, 2);
    join(writers, 2);
    close(ends[1]);
    join(readers, 2);
    while (read(counter, &one, sizeof one) == sizeof one)
        rest++;
    truth("each record came once", records == 2 * RECORDS);
    truth("and whole", sum == (long)RECORDS * (RECORDS + 1));
    truth("in the writers' order", wrong == 0 && rest <= 2 * RECORDS / 8);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "faults") == 0)
        faults(argc > 2 ? argv[2] : "/proc/self/exe");
    else if (strcmp(what, "futexes") == 0)
        futexes();
    else if (strcmp(what, "pipes") == 0)
        pipes();
    else
        return strcmp(what, "nothing") != 0;
    return 0;
}
