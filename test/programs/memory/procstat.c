/* SPDX-License-Identifier: MIT */
/*
 * What /proc/self/stat, statm and status say of memory follows each call, and reading them costs the same with many
 * areas and pages as with few.
 */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul
#define MANY                                                                                       \
    2048ul /* pages; Linux may be wrong by some dozens where threads of several CPUs count */
#define AREAS 400

static long field(const char *name)
{
    static char text[8192];
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0)
        exit(1);
    text[got] = '\0';
    const char *at = strstr(text, name);
    return at ? atol(at + strlen(name)) : -1;
}

static long stat_field(int number)
{
    char text[1024];
    int fd = open("/proc/self/stat", O_RDONLY);
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0)
        exit(1);
    text[got] = '\0';
    const char *at = strrchr(text, ')') + 1;
    for (int i = 3; i < number; i++)
        at = strchr(at + 1, ' ');
    return atol(at);
}

static const char *const names[] = {
    "VmSize:", "VmData:", "VmExe:", "VmLck:", "RssAnon:", "RssFile:", "RssShmem:"};
#define NAMES (sizeof names / sizeof names[0])
static long before[NAMES];

static void begin(void)
{
    for (unsigned i = 0; i < NAMES; i++)
        before[i] = field(names[i]);
}

/* Prints by how many MANY pages each size has grown; sets of resident pages are rounded. */
static void grown(const char *what)
{
    printf("%s:", what);
    for (unsigned i = 0; i < NAMES; i++) {
        long pages = (field(names[i]) - before[i]) / 4,
             rounded = (pages + (long)MANY * 8 + (long)MANY / 2) / (long)MANY - 8;
        if (i != 2) /* of VmExe Linux counts the program's only */
            printf(" %s%ld%s", names[i], rounded,
                   i < 4 && pages != rounded * (long)MANY ? "?" : "");
    }
    printf("\n");
}

static char *map(unsigned long pages, int prot, int flags, int fd)
{
    char *at = mmap(NULL, pages * PAGE, prot, flags, fd, 0);
    if (at == MAP_FAILED)
        exit(1);
    return at;
}

static void touch(volatile char *at, int write)
{
    for (unsigned long i = 0; i < MANY; i++)
        if (write)
            at[i * PAGE] = 1;
        else
            (void)at[i * PAGE];
}

static void anonymous(void)
{
    begin();
    char *at = map(4 * MANY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    grown("mmap");
    madvise(at, 4 * MANY * PAGE, MADV_NOHUGEPAGE);
    touch(at, 0);
    touch(at, 1);
    touch(at + MANY * PAGE, 1);
    grown("written");
    mprotect(at, MANY * PAGE, PROT_READ);
    grown("mprotect read");
    mprotect(at, MANY * PAGE, PROT_NONE);
    grown("mprotect none");
    mprotect(at, MANY * PAGE, PROT_READ | PROT_WRITE);
    grown("mprotect back");
    mlock(at, MANY * PAGE);
    grown("mlock");
    at = mremap(at, 4 * MANY * PAGE, 6 * MANY * PAGE, MREMAP_MAYMOVE);
    if (at == MAP_FAILED)
        printf("mremap over two areas: refused\n");
    else
        exit(1);
}

static void moved(void)
{
    char *at = map(2 * MANY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    begin();
    touch(at, 1);
    char *to = map(4 * MANY, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    grown("a place to move to");
    if (mremap(at, 2 * MANY * PAGE, 3 * MANY * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
        exit(1);
    grown("moved");
    madvise(to, 3 * MANY * PAGE, MADV_DONTNEED);
    grown("discarded");
    munmap(to, 4 * MANY * PAGE);
    grown("unmapped");
}

static void files(void)
{
    int fd = memfd_create("pages", 0);
    if (ftruncate(fd, 2 * MANY * PAGE) != 0)
        exit(1);
    begin();
    char *shared = map(2 * MANY, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    touch(shared, 1);
    touch(shared + MANY * PAGE, 0);
    grown("shared");
    char *private = map(MANY, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
    touch(private, 1);
    grown("private copies");
    if (ftruncate(fd, MANY * PAGE) != 0)
        exit(1);
    grown("truncated by half");
    if (ftruncate(fd, 0) != 0)
        exit(1);
    grown("truncated to nothing");
    munmap(shared, 2 * MANY * PAGE);
    munmap(private, MANY * PAGE);
    grown("unmapped");
    close(fd);
}

/* By the system call: sbrk() of musl moves nothing. */
static void heap(void)
{
    begin();
    char *start = (char *)syscall(SYS_brk, 0);
    truth("brk: more",
          (char *)syscall(SYS_brk, start + 2 * MANY * PAGE) == start + 2 * MANY * PAGE);
    memset(start, 1, MANY * PAGE);
    grown("brk");
    truth("brk: less", (char *)syscall(SYS_brk, start) == start);
    grown("brk back");
}

static void limits(void)
{
    struct rlimit all = {(rlim_t)field("VmSize:") * 1024 + MANY * PAGE, RLIM_INFINITY};
    struct rlimit data = {(rlim_t)field("VmData:") * 1024 + MANY * PAGE, RLIM_INFINITY},
                  none = {RLIM_INFINITY, RLIM_INFINITY};
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;
    setrlimit(RLIMIT_AS, &all);
    truth("RLIMIT_AS: one page too many",
          mmap(NULL, (MANY + 1) * PAGE, PROT_NONE, flags, -1, 0) == MAP_FAILED);
    char *at = mmap(NULL, MANY * PAGE, PROT_NONE, flags, -1, 0);
    truth("RLIMIT_AS: all of it", at != MAP_FAILED);
    munmap(at, MANY * PAGE);
    setrlimit(RLIMIT_AS, &none);
    setrlimit(RLIMIT_DATA, &data);
    truth("RLIMIT_DATA: one page too many",
          mmap(NULL, (MANY + 1) * PAGE, rw, flags, -1, 0) == MAP_FAILED);
    at = mmap(NULL, MANY * PAGE, rw, flags, -1, 0);
    truth("RLIMIT_DATA: all of it", at != MAP_FAILED);
    munmap(at, MANY * PAGE);
    setrlimit(RLIMIT_DATA, &none);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The least time of some reads of all three. */
static double cost(void)
{
    double best = 1e9;
    for (int i = 0; i < 10; i++) {
        double start = seconds();
        stat_field(24);
        field("VmRSS:");
        char text[128];
        int fd = open("/proc/self/statm", O_RDONLY);
        if (read(fd, text, sizeof text) <= 0)
            exit(1);
        close(fd);
        double took = seconds() - start;
        if (took < best)
            best = took;
    }
    return best;
}

static void growth(void)
{
    double few = cost();
    int fd = memfd_create("many", 0);
    if (ftruncate(fd, 4 * MANY * PAGE) != 0)
        exit(1);
    char *at = map(4 * MANY, PROT_READ, MAP_SHARED, fd);
    for (unsigned i = 0; i < 4; i++)
        touch(at + i * MANY * PAGE, 0);
    for (int i = 0; i < AREAS; i++)
        map(1, i & 1 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    double many = cost();
    truth("as fast with many pages and areas", many < 5 * few + 0.0005);
    if (many >= 5 * few + 0.0005)
        fprintf(stderr, "%.6f s, then %.6f s\n", few, many);
}

/* VmHWM is the most that was resident; 5 to clear_refs begins a new peak. */
static void resident_peak(void)
{
    const long most = 4 * (long)MANY * 4; /* KiB */
    struct rusage usage;
    char *at = map(4 * MANY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    long base = field("VmRSS:");
    memset(at, 1, 4 * MANY * PAGE);
    truth("the peak is what is resident", field("VmHWM:") >= base + most - 512);
    munmap(at, 4 * MANY * PAGE);
    truth("the memory is gone", field("VmRSS:") < base + 512);
    truth("the peak stays", field("VmHWM:") >= base + most - 512);
    getrusage(RUSAGE_SELF, &usage);
    truth("getrusage() knows the peak", usage.ru_maxrss >= base + most - 512);
    int fd = open("/proc/self/clear_refs", O_WRONLY);
    if (write(fd, "5", 1) != 1)
        exit(1);
    close(fd);
    truth("a new peak", field("VmHWM:") < base + 1024);
}

/* Numbers of /proc/self/io: bytes and calls, read and written. */
static void moved_bytes(long n[4])
{
    char text[512];
    int fd = open("/proc/self/io", O_RDONLY);
    ssize_t size = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[size > 0 ? size : 0] = 0;
    if (sscanf(
            text,
            "rchar: %ld\nwchar: %ld\nsyscr: %ld\nsyscw: %ld\nread_bytes: %*d\nwrite_bytes: %*d\ncancelled",
            &n[0], &n[1], &n[2], &n[3]) != 4)
        n[0] = n[1] = n[2] = n[3] = -1;
}

/* Nothing is printed between two looks: the lines are written, too. */
static void transfers(void)
{
    static char bytes[5000];
    long base[4], first[4], then[4], after[4];
    int file = open("/tmp/moved", O_RDWR | O_CREAT | O_TRUNC, 0600), out[2];
    moved_bytes(base);
    moved_bytes(first);
    long own = first[0] - base[0]; /* a look reads, too */
    int right = write(file, bytes, 5000) == 5000 && pwrite(file, bytes, 70, 9) == 70 &&
                pread(file, bytes, 900, 0) == 900 && pread(file, bytes, 100, 5000) == 0 &&
                pipe(out) == 0 && fcntl(out[0], F_SETFL, O_NONBLOCK) == 0 &&
                read(out[0], bytes, 1) == -1;
    moved_bytes(then);
    if (fork() == 0) {
        (void)!write(file, bytes, 1234);
        _exit(0);
    }
    wait(NULL);
    moved_bytes(after);
    truth("io: the calls", right && base[0] > 0);
    truth("io: bytes written", then[1] - first[1] == 5070);
    truth("io: calls that wrote", then[3] - first[3] == 2);
    truth("io: bytes read", labs(then[0] - first[0] - own - 900) <= 2);
    truth("io: calls that read, one of them in vain", then[2] - first[2] == 4);
    truth("io: with those of a child that has ended", after[1] - then[1] == 1234);
    unlink("/tmp/moved");
}

/* Faults of pages: of the process in getrusage() and /proc/self/stat, of a child that was waited for. */
static void faults(void)
{
    enum {
        PAGES = 64
    };
    struct rusage before, after;
    char *at = map(PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    long shown = stat_field(10);
    getrusage(RUSAGE_SELF, &before);
    for (int i = 0; i < PAGES; i++)
        at[i * PAGE] = 1;
    getrusage(RUSAGE_SELF, &after);
    long more = after.ru_minflt - before.ru_minflt;
    truth("faults: of 64 pages", more >= PAGES && more < PAGES + 8);
    truth("faults: none waits for a device", after.ru_majflt == before.ru_majflt);
    truth("faults: in stat", stat_field(10) - shown >= PAGES);
    getrusage(RUSAGE_CHILDREN, &before);
    shown = stat_field(11);
    if (fork() == 0) {
        for (int i = 0; i < PAGES; i++)
            at[i * PAGE] = 2; /* each is copied */
        _exit(0);
    }
    wait(NULL);
    getrusage(RUSAGE_CHILDREN, &after);
    more = after.ru_minflt - before.ru_minflt;
    truth("faults: of a child", more >= PAGES && more < 4 * PAGES);
    truth("faults: of a child, in stat", stat_field(11) - shown == more);
    getrusage(RUSAGE_THREAD, &after);
    getrusage(RUSAGE_SELF, &before);
    truth("faults: of the only thread", before.ru_minflt - after.ru_minflt <= 8);
}

/* All of a small file, in static memory. */
static char *contents(int pid, const char *name)
{
    static char text[1 << 16];
    char path[64];
    size_t size = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY);
    for (ssize_t n; (n = read(fd, text + size, sizeof text - 1 - size)) > 0;)
        size += (size_t)n;
    close(fd);
    text[size] = '\0';
    return text;
}

static long rollup(const char *name)
{
    char *at = strstr(contents(getpid(), "smaps_rollup"), name);
    return at ? atol(at + strlen(name)) : -1;
}

/* smaps_rollup divides the PSS by what the pages are of. */
static void shares(void)
{
    long anonymous = rollup("Pss_Anon:"), memory = rollup("Pss_Shmem:");
    char *own = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *shared = mmap(NULL, 32 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(own, 1, 64 * PAGE);
    memset(shared, 1, 32 * PAGE);
    long grown = rollup("Pss_Anon:") - anonymous;
    long sum = rollup("Pss_Anon:") + rollup("Pss_File:") + rollup("Pss_Shmem:") - rollup("Pss:");
    printf("Pss_Shmem grows by %ld kB, Pss_Anon by about 256: %d, their sum is Pss: %d\n",
           rollup("Pss_Shmem:") - memory, grown >= 256 && grown <= 272, sum >= -3 && sum <= 3);
}

/* A process without any area: what remains is the page of the calls that no munmap() reaches. */
static void without_memory(void)
{
    char last[128] = "";
    char *vsyscall = strstr(contents(getpid(), "maps"), "ffffffffff600000-");
    if (vsyscall)
        snprintf(last, sizeof last, "%s", vsyscall);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        munmap(NULL, (1ul << 47) - PAGE);
        _exit(1);
    }
    int status;
    waitpid(pid, &status, 0);
    printf("stopped by signal %d\n", WIFSTOPPED(status) ? WSTOPSIG(status) : -1);
    printf("maps: %s\n",
           strcmp(contents(pid, "maps"), last) == 0 ? "right" : contents(pid, "maps"));
    char *at = contents(pid, "smaps_rollup");
    printf("%.17s, Pss_Anon%s\n", at, strstr(at, "Pss_Anon:              0 kB") ? " 0" : "?");
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 4096);
    truth("stat: the size of status", stat_field(23) == field("VmSize:") * 1024);
    anonymous();
    moved();
    files();
    heap();
    limits();
    resident_peak();
    growth();
    transfers();
    faults();
    shares();
    without_memory();
    return 0;
}
