/* SPDX-License-Identifier: MIT */
/*
 * rows TIMES THREADS: what one thread does in the kernel and what several do at the same time, in total, against the row's least, and which share of the
 * time of all processors they wait for kernel_lock (of /proc/ouro), against its most. After the idea of will-it-scale.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE  4096
#define PAGES 64
#define MOST  16

/* linux/futex.h, which musl has not */
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

/* Computes on the last CPU from before main() on, and the rest runs on the others: so one thread does not find the others idle, which is cheaper
 * (programs.cpus.lone). */
static void *compute(void *unused)
{
    for (volatile unsigned turns = 0;; turns++)
        ;
    return unused;
}

__attribute__((constructor)) static void start_computing(void)
{
    cpu_set_t set;
    pthread_t thread;
    int last = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
    CPU_ZERO(&set);
    CPU_SET(last, &set);
    sched_setaffinity(0, sizeof set, &set);
    pthread_create(&thread, NULL, compute, NULL);
    CPU_ZERO(&set);
    for (int cpu = 0; cpu < last || cpu == 0; cpu++)
        CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void faults(long times)
{
    char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long i = 0; i < times / PAGES + 1; i++) {
        for (int k = 0; k < PAGES; k++)
            *(volatile char *)&p[k * PAGE] = 1;
        madvise(p, PAGES * PAGE, MADV_DONTNEED);
    }
    munmap(p, PAGES * PAGE);
}

static void maps(long times)
{
    for (long i = 0; i < times; i++) {
        char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *(volatile char *)p = 1;
        munmap(p, PAGE);
    }
}

static void futexes(long times)
{
    unsigned word = 0;
    for (long i = 0; i < times; i++) {
        syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
    }
}

static void pipes(long times)
{
    int ends[2];
    char byte = 0;
    if (pipe(ends) != 0)
        abort();
    for (long i = 0; i < times; i++)
        if (write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1)
            abort();
    close(ends[0]);
    close(ends[1]);
}

static void opens(long times)
{
    for (long i = 0; i < times; i++)
        close(open("/dev/null", O_RDONLY));
}

static void reads(long times)
{
    char buffer[512];
    int fd = open("/dev/zero", O_RDONLY);
    for (long i = 0; i < times; i++)
        if (read(fd, buffer, sizeof buffer) != sizeof buffer)
            abort();
    close(fd);
}

static char file_name[32];

static void files(long times)
{
    char buffer[512];
    int fd = open(file_name, O_RDONLY);
    for (long i = 0; i < times; i++)
        if (pread(fd, buffer, sizeof buffer, 64) != sizeof buffer)
            abort();
    close(fd);
}

static void stats(long times)
{
    struct stat is;
    for (long i = 0; i < times; i++)
        if (stat(file_name, &is) != 0)
            abort();
}

static void seeks(long times)
{
    int fd = open(file_name, O_RDONLY);
    for (long i = 0; i < times; i++)
        if (lseek(fd, i, SEEK_SET) != i)
            abort();
    close(fd);
}

static void creates(long times)
{
    for (long i = 0; i < times; i++)
        close(open(file_name, O_RDWR | O_CREAT, 0600));
}

static void dups(long times)
{
    for (long i = 0; i < times; i++)
        close(dup(1));
}

static void handle(int signal)
{
    (void)signal;
}

static void signals(long times)
{
    signal(SIGUSR1, handle);
    for (long i = 0; i < times; i++)
        raise(SIGUSR1);
}

static void *end(void *unused)
{
    return unused;
}

static void threads(long times)
{
    pthread_t thread;
    for (long i = 0; i < times / 10 + 1; i++) {
        pthread_create(&thread, NULL, end, NULL);
        pthread_join(thread, NULL);
    }
}

static void numbers(long times)
{
    for (long i = 0; i < times; i++)
        syscall(SYS_getppid);
}

static const struct row {
    const char *name;
    void (*function)(long times);
    double least; /* so many times one thread */
    double most;  /* % of the time of two processors */
} rows[] = {{"page faults", faults, 1.6, 10},
            {"mmap, munmap", maps, 0.95, 100},
            {"futex", futexes, 1.6, 10},
            {"pipe", pipes, 1.6, 10},
            {"open, close", opens, 1.4, 10},
            {"read", reads, 1.6, 10},
            {"file", files, 1.6, 10},
            {"dup", dups, 1.4, 10},
            {"stat", stats, 1.4, 10},
            {"lseek", seeks, 1.6, 10},
            {"open, O_CREAT", creates, 1.4, 10},
            {"signals", signals, 0.95, 100},
            {"pthread_create", threads, 0.95, 100},
            {"getppid", numbers, 1.6, 10}};

static const struct row *row;
static long times;

static void *work(void *unused)
{
    row->function(times);
    return unused;
}

static double share; /* of the last seconds() */

/* How long processors have waited for kernel_lock, in seconds; 0 on Linux. */
static double waited(void)
{
    char line[128];
    double sum = 0, ns;
    FILE *f = fopen("/proc/ouro", "r");
    while (f && fgets(line, sizeof line, f))
        if (strstr(line, "kernel_lock") &&
            sscanf(line, "lock: %*u takes, %*u waits, %lf", &ns) == 1)
            sum += ns / 1e9;
    if (f)
        fclose(f);
    return sum;
}

static double seconds(int count)
{
    struct timespec from, to;
    pthread_t thread[MOST];
    double before = waited();
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < count; i++)
        pthread_create(&thread[i], NULL, work, NULL);
    for (int i = 0; i < count; i++)
        pthread_join(thread[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &to);
    double took = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    share = (waited() - before) * 100 / took / count;
    return took;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    snprintf(file_name, sizeof file_name, "/tmp/rows.%d", (int)getpid());
    int file = open(file_name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || pwrite(file, "", 1, 8191) != 1)
        return 2;
    times = atol(argv[1]);
    int count = atoi(argv[2]), slow = 0;
    for (row = rows; row < rows + sizeof rows / sizeof *rows; row++) {
        seconds(1);
        double one = seconds(1), ratio = count * one / seconds(count);
        bool waits = count == 2 && share > row->most;
        printf("%-16s %.2f, waits for kernel_lock %.1f %%%s%s\n", row->name, ratio, share,
               ratio < row->least ? " SLOWER" : "", waits ? " WAITS" : "");
        slow += ratio < row->least || waits;
    }
    unlink(file_name);
    return slow != 0;
}
