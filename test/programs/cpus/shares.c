/* SPDX-License-Identifier: MIT */
/*
 * What threads do in the kernel at the same time (docs/cpus.md). Prints nothing that differs from run to run, on any number of processors.
 *
 *   shares faults    page faults beside munmap(), mprotect(), madvise(), fork() and exec: a page holds what its thread stored, or zeros
 *   shares futexes   wake-ups beside time-outs, signals and the ends of threads: none is lost
 *   shares pipes     readers and writers of a pipe and an eventfd: each record arrives once, in order
 *   shares files     open(), dup(), close() and reads by threads of one table: a descriptor is the file that its thread opened
 *   shares maps      mmap(), mprotect(), madvise() and munmap(): no two threads have a place, new pages are zero
 *   shares signals   queued signals from all threads to all: each is handled once
 */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 3
#define PAGE    4096
#define PAGES   32
#define ROUNDS  400
#define SEEKS   40
#define MUCH    1500000 /* bytes of a long read, a multiple of 4 */

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

/* files */

static char name[THREADS][40];
static atomic_int made, arrived;
static atomic_int lent = -1; /* a descriptor that one thread opens and closes, and others read */

static bool holds(int fd, int number)
{
    char byte[2] = {0, 0};
    return pread(fd, byte, 1, 77) == 1 && byte[0] == 'a' + number;
}

static void *open_and_close(void *argument)
{
    int number = (int)(long)argument, twice = -1;
    for (int i = 0; i < ROUNDS; i++) {
        int fd = open(name[number], O_RDONLY);
        wrong += fd < 0 || (twice = dup(fd)) < 0;
        wrong += !holds(fd, number) || !holds(twice, number);
        if (number == 0)
            lent = fd;
        wrong += close(twice) != 0 || !holds(fd, number);
        char byte = 0;
        ssize_t n = pread(lent, &byte, 1, 77); /* whatever it is now, it is whole */
        wrong += n == 1 && (byte < 'a' || byte >= 'a' + THREADS);
        wrong += close(fd) != 0;
    }
    return NULL;
}

/* Two threads that get one number close it twice; two that get one block of the kernel's heap for more than eight segments read into each other's bytes. */
static void *many(void *argument)
{
    int number = (int)(long)argument, fd = open(name[number], O_RDONLY);
    char bytes[16];
    struct iovec segment[16];
    for (int i = 0; i < 16; i++)
        segment[i] = (struct iovec){&bytes[i], 1};
    for (int i = 0; i < 4 * ROUNDS; i++) {
        wrong += close(dup(0)) != 0;
        memset(bytes, 0, sizeof bytes);
        wrong += (lseek(fd, i % 64, SEEK_SET), readv(fd, segment, 16)) != 16;
        for (int k = 0; k < 16; k++)
            wrong += bytes[k] != 'a' + number;
    }
    close(fd);
    return NULL;
}

static void *read_on(void *argument)
{
    uint32_t got;
    (void)argument;
    while (read(ends[0], &got, sizeof got) == sizeof got) { /* ends[0]: one position for all */
        records++;
        sum += got;
    }
    return NULL;
}

/* Into pages that are not there, so that the reads stop on their way: each gets bytes that belong together. */
static void *read_much(void *argument)
{
    (void)argument;
    uint32_t *to = mmap(NULL, MUCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ssize_t got;
    while ((got = read(ends[0], to, MUCH)) > 0) {
        for (size_t i = 1; i < (size_t)got / sizeof *to; i++)
            wrong += to[i] != to[0] + i;
        records += got / (ssize_t)sizeof *to;
        madvise(to, MUCH, MADV_DONTNEED);
    }
    munmap(to, MUCH);
    return NULL;
}

/* A long read, and a seek in its middle: one after the other, whichever. */
static atomic_int round_begun, round_sought;

static void *seek(void *argument)
{
    (void)argument;
    for (int i = 1; i <= SEEKS; i++) {
        while (round_begun < i)
            sched_yield();
        for (volatile int spin = i * 997 % 20000; spin > 0; spin--)
            ;
        wrong += lseek(ends[0], i * PAGE, SEEK_SET) != i * PAGE;
        round_sought = i;
    }
    return NULL;
}

static void seeks(void)
{
    pthread_t thread;
    uint32_t *to = mmap(NULL, MUCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_create(&thread, NULL, seek, NULL);
    for (int i = 1; i <= SEEKS; i++) {
        lseek(ends[0], 0, SEEK_SET);
        madvise(to, MUCH, MADV_DONTNEED);
        round_begun = i;
        wrong += read(ends[0], to, MUCH) != MUCH;
        while (round_sought < i)
            sched_yield();
        off_t at = lseek(ends[0], 0, SEEK_CUR), from = to[0] * (off_t)4;
        wrong += !(from == 0 && at == i * PAGE) && !(from == i * PAGE && at == from + MUCH);
    }
    pthread_join(thread, NULL);
    munmap(to, MUCH);
    truth("no seek was lost in a long read", wrong == 0);
}

static void much(void)
{
    pthread_t thread[THREADS];
    static uint32_t words[MUCH / 4];
    ends[0] = open(name[0], O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (uint32_t n = 0; n < 16 * MUCH / 4;) {
        for (size_t i = 0; i < MUCH / 4; i++)
            words[i] = n++;
        wrong += write(ends[0], words, MUCH) != MUCH;
    }
    lseek(ends[0], 0, SEEK_SET);
    records = 0;
    in_threads(thread, read_much, THREADS);
    join(thread, THREADS);
    truth("no long read was divided", records == 16 * MUCH / 4 && wrong == 0);
    seeks();
    close(ends[0]);
}

static void *look(void *argument)
{
    int number = (int)(long)argument;
    struct stat by_name, by_number;
    for (int i = 0; i < ROUNDS; i++) {
        int fd = open(name[number], O_RDONLY);
        wrong += stat(name[number], &by_name) != 0 || fstat(fd, &by_number) != 0;
        wrong += by_name.st_ino != by_number.st_ino || by_name.st_size != by_number.st_size;
        wrong += fstat(lent, &by_number) == 0 && by_number.st_nlink == 0; /* whatever it is now */
        if (number == 0)
            lent = fd;
        wrong += lseek(fd, 1, SEEK_END) != by_name.st_size + 1;
        close(fd);
    }
    return NULL;
}

/* One name, which others create and remove, in a folder that they make and remove: a file that is there is never missed, and one of several makes it. */
static void *create(void *argument)
{
    int number = (int)(long)argument;
    char at[64], only[64];
    snprintf(at, sizeof at, "%s.d", name[0]);
    snprintf(only, sizeof only, "%s.one", name[0]);
    for (int i = 0; i < ROUNDS; i++) {
        int fd = open(name[0], O_RDWR | O_CREAT, 0600), one;
        wrong += fd < 0;
        close(fd);
        for (arrived++; arrived < (i + 1) * THREADS;) /* all at once */
            sched_yield();
        if ((one = open(only, O_RDWR | O_CREAT | O_EXCL, 0600)) >= 0) {
            wrong += made++ != 0;
            close(one);
            made--;
            wrong += unlink(only) != 0;
        }
        if (i % 4 == number) {
            unlink(name[0]);
            mkdir(at, 0700);
        }
        strcpy(at + strlen(name[0]), ".d/f");
        if ((fd = open(at, O_RDWR | O_CREAT, 0600)) >= 0) {
            struct stat is;
            wrong += fstat(fd, &is) != 0;
            close(fd);
            unlink(at);
        }
        at[strlen(name[0]) + 2] = '\0';
        rmdir(at);
    }
    return NULL;
}

static void files(void)
{
    pthread_t thread[THREADS];
    int first = dup(0);
    close(first);
    for (int i = 0; i < THREADS; i++) {
        snprintf(name[i], sizeof name[i], "/tmp/shares.%d.%d", (int)getpid(), i);
        int fd = open(name[i], O_RDWR | O_CREAT | O_TRUNC, 0600);
        for (int k = 0; k < 100; k++)
            wrong += write(fd, &(char){(char)('a' + i)}, 1) != 1;
        close(fd);
    }
    in_threads(thread, open_and_close, THREADS);
    join(thread, THREADS);
    in_threads(thread, many, THREADS);
    join(thread, THREADS);
    truth("each descriptor was its thread's", wrong == 0);
    in_threads(thread, look, THREADS);
    join(thread, THREADS);
    truth("each had the attributes of its file", wrong == 0);
    in_threads(thread, create, THREADS);
    join(thread, THREADS);
    truth("one made each file", wrong == 0);
    int last = dup(0);
    truth("none is left open", last == first);
    ends[0] = open(name[0], O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (uint32_t i = 1; i <= RECORDS; i++)
        wrong += write(ends[0], &i, sizeof i) != sizeof i;
    lseek(ends[0], 0, SEEK_SET);
    in_threads(thread, read_on, THREADS);
    join(thread, THREADS);
    truth("no byte was read twice",
          records == RECORDS && sum == (long)RECORDS * (RECORDS + 1) / 2 && wrong == 0);
    close(ends[0]);
    much();
    for (int i = 0; i < THREADS; i++)
        unlink(name[i]);
}

/* maps */

static void *map_and_unmap(void *argument)
{
    uint64_t mine = (uint64_t)(long)argument + 1;
    for (int i = 0; i < ROUNDS; i++) {
        size_t size = (size_t)(1 + i % 5) * PAGE;
        volatile uint64_t *p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        wrong += p == MAP_FAILED || mprotect((void *)p, size, PROT_READ | PROT_WRITE) != 0;
        for (size_t at = 0; at < size / 8; at += PAGE / 8) {
            wrong += p[at] != 0;
            p[at] = mine << 32 | at;
        }
        if (i % 3 == 0)
            wrong += mprotect((void *)p, PAGE, PROT_READ) != 0;
        for (size_t at = 0; at < size / 8; at += PAGE / 8)
            wrong += p[at] != (mine << 32 | at);
        if (i % 2 == 0) {
            wrong += madvise((void *)p, size, MADV_DONTNEED) != 0;
            wrong += p[0] != 0;
        }
        wrong += munmap((void *)p, size) != 0;
    }
    return NULL;
}

static void maps(void)
{
    pthread_t thread[THREADS];
    in_threads(thread, map_and_unmap, THREADS);
    join(thread, THREADS);
    truth("each had its pages to itself", wrong == 0);
}

/* signals */

static atomic_long sent, handled;
static pthread_t target[THREADS];
static atomic_bool ready;

static void count(int number, siginfo_t *info, void *context)
{
    (void)context;
    handled++;
    wrong += info->si_signo != number || info->si_pid != getpid();
}

static void *send_to_all(void *argument)
{
    long self = (long)argument;
    while (!ready)
        sched_yield();
    for (int i = 0; i < ROUNDS; i++) {
        sent += pthread_kill(target[(self + i) % THREADS], SIGRTMIN + i % 2) == 0;
        if (i % 16 == 0) {
            sigset_t set, old;
            sigfillset(&set);
            pthread_sigmask(SIG_BLOCK, &set, &old);
            pthread_kill(target[(self + 1) % THREADS], SIGRTMIN + 1);
            sent++;
            pthread_sigmask(SIG_SETMASK, &old, NULL);
        }
    }
    while (!stop)
        sched_yield();
    return NULL;
}

static void signals(void)
{
    struct sigaction action = {.sa_sigaction = count, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGRTMIN, &action, NULL);
    sigaction(SIGRTMIN + 1, &action, NULL);
    in_threads(target, send_to_all, THREADS);
    ready = true;
    long all = THREADS * (ROUNDS + ROUNDS / 16);
    while (sent < all && wrong == 0)
        sched_yield();
    for (int i = 0; handled < sent && i < 5000; i++)
        usleep(1000);
    stop = true;
    join(target, THREADS);
    truth("each signal was handled once", sent == all && handled == all && wrong == 0);
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
    else if (strcmp(what, "files") == 0)
        files();
    else if (strcmp(what, "maps") == 0)
        maps();
    else if (strcmp(what, "signals") == 0)
        signals();
    else
        return strcmp(what, "nothing") != 0;
    return 0;
}
