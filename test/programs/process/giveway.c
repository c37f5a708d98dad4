/* SPDX-License-Identifier: MIT */
/*
 * Long calls let other threads run: beside each call with large arguments another thread sleeps for 1 ms again and again,
 * and its longest sleep is short. What others may see in the middle of such a call is what Linux shows.
 */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PAGE       4096ul
#define BIG        (32ul << 20)
#define LARGE      (128ul << 20)
#define MANY       1000
#define MANY_AREAS 10000ul
#define AREAS      250ul
#define LIMIT                                                                                      \
    0.05 /* seconds; the computer may be busy with other things, so the best of some tries counts */
#define TRIES 6

static volatile int stop;
static volatile double worst;
static char *big;
static int file = -1;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *tick(void *unused)
{
    (void)unused;
    while (!stop) {
        double start = seconds();
        nanosleep(&(struct timespec){0, 1000000}, NULL);
        double slept = seconds() - start;
        if (slept > worst)
            worst = slept;
    }
    return NULL;
}

/* The call says if it did what it should. */
static void beside(const char *name, void (*prepare)(void), int (*call)(void))
{
    int did = 1;
    double best = 1e9;
    for (int i = 0; i < TRIES && best > LIMIT && did; i++) {
        if (prepare)
            prepare();
        nanosleep(&(struct timespec){0, 5000000}, NULL);
        worst = 0;
        did = call();
        nanosleep(&(struct timespec){0, 5000000}, NULL);
        if (worst < best)
            best = worst;
    }
    printf("%s: %s, %s\n", name, did ? "done" : "NOT DONE",
           best < LIMIT ? "others run" : "OTHERS WAIT");
    if (best >= LIMIT)
        fprintf(stderr, "%s: %.3f s\n", name, best);
}

static int from_zero(void)
{
    int fd = open("/dev/zero", O_RDONLY);
    int did = read(fd, big, BIG) == (ssize_t)BIG;
    close(fd);
    return did;
}

static int random_call(void)
{
    return getrandom(big, BIG / 4, 0) == BIG / 4;
}

static int random_file(void)
{
    int fd = open("/dev/urandom", O_RDONLY);
    int did = read(fd, big, BIG / 4) == BIG / 4;
    close(fd);
    return did;
}

static void new_file(void)
{
    if (file >= 0)
        close(file);
    file = open("/tmp/giveway", O_RDWR | O_CREAT | O_TRUNC,
                0600); /* not memfd_create(): Linux lets that position race */
    unlink("/tmp/giveway");
}

static int write_file(void)
{
    return pwrite(file, big, BIG, 0) == (ssize_t)BIG;
}

static int read_file(void)
{
    return pread(file, big, BIG, 0) == (ssize_t)BIG;
}

static int send_hole(void)
{
    int hole = memfd_create("hole", 0), null = open("/dev/null", O_WRONLY);
    off_t at = 0;
    int did =
        ftruncate(hole, 4 * BIG) == 0 && sendfile(null, hole, &at, 4 * BIG) == 4 * (ssize_t)BIG;
    close(hole);
    close(null);
    return did;
}

static char *pages;

static int populate(void)
{
    if (pages)
        munmap(pages, BIG);
    pages = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    return pages != MAP_FAILED;
}

static void populated(void)
{
    populate();
}

static int discard(void)
{
    return madvise(pages, BIG, MADV_DONTNEED) == 0;
}

static int unmap(void)
{
    char *p = pages;
    pages = NULL;
    return munmap(p, BIG) == 0;
}

static int residence(void)
{
    static unsigned char present[4 * BIG / PAGE];
    char *p = mmap(NULL, 4 * BIG, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int did = mincore(p, 4 * BIG, present) == 0;
    munmap(p, 4 * BIG);
    return did;
}

static int read_smaps(void)
{
    char *p = mmap(NULL, 2 * AREAS * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (unsigned long i = 0; i < AREAS; i++)
        mprotect(p + 2 * i * PAGE, PAGE, PROT_READ);
    int fd = open("/proc/self/smaps", O_RDONLY);
    ssize_t got;
    long all = 0;
    while ((got = read(fd, big, BIG)) > 0)
        all += got;
    close(fd);
    munmap(p, 2 * AREAS * PAGE);
    return all > 2 * (long)AREAS * 300;
}

static int unmap_many(void)
{
    int did = 1;
    char *p = mmap(NULL, 2 * MANY_AREAS * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (unsigned long i = 0; i < MANY_AREAS; i++)
        did &= mprotect(p + 2 * i * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0;
    worst = 0;
    did &= munmap(p, 2 * MANY_AREAS * PAGE) == 0;
    return did;
}

/* Large private memory, of pages of 4 KiB. */
static void private_memory(void)
{
    if (pages)
        munmap(pages, LARGE);
    pages = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        exit(1);
    madvise(pages, LARGE, MADV_NOHUGEPAGE);
    memset(pages, 1, LARGE);
}

static int protect(void)
{
    return mprotect(pages, LARGE, PROT_READ) == 0 && pages[LARGE - 1] == 1;
}

static int replace(void)
{
    return mmap(pages, LARGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == pages &&
           pages[0] == 0 && pages[LARGE - 1] == 0;
}

static int shrink(void)
{
    char *p = pages;
    pages = NULL;
    return mremap(p, LARGE, PAGE, 0) == p && munmap(p, PAGE) == 0;
}

/* Private memory in which each page has its number. */
static void numbered_memory(void)
{
    private_memory();
    for (unsigned long i = 0; i < LARGE / PAGE; i++)
        *(unsigned long *)(pages + i * PAGE) = i;
}

static int is_numbered(const char *at)
{
    int good = 1;
    for (unsigned long i = 0; i < LARGE / PAGE; i++)
        good &= *(const unsigned long *)(at + i * PAGE) == i;
    return good;
}

/* To a place whose distance is no multiple of 2 MiB, and longer; there and back. */
static int move(void)
{
    char *place = mmap(NULL, LARGE + 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *to = place + 3 * PAGE, *old = pages;
    if (mremap(pages, LARGE, LARGE + PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
        return 0;
    int did = is_numbered(to) && to[LARGE] == 0;
    did &= msync(old, LARGE, MS_ASYNC) != 0;
    pages = mremap(to, LARGE + PAGE, LARGE, 0);
    did &= pages == to && mremap(to, LARGE, LARGE, MREMAP_MAYMOVE | MREMAP_FIXED, old) == old;
    pages = old;
    did &= is_numbered(old);
    munmap(place, LARGE + 4 * PAGE);
    return did;
}

static char *heap;

/* musl has no sbrk(). */
static char *move_break(char *to)
{
    return (char *)syscall(SYS_brk, to);
}

static void grow_heap(void)
{
    heap = move_break(NULL);
    if (move_break(heap + LARGE) == heap + LARGE)
        memset(heap, 1, LARGE);
    else
        heap = NULL;
}

static int shrink_heap(void)
{
    return heap != NULL && move_break(heap) == heap;
}

static int lock_all(void)
{
    return mlock(pages, LARGE) == 0 && munlock(pages, LARGE) == 0;
}

static void large_file(void)
{
    new_file();
    for (unsigned long at = 0; at < LARGE; at += BIG)
        if (pwrite(file, big, BIG, (off_t)at) != (ssize_t)BIG)
            exit(1);
}

static int truncate_file(void)
{
    return ftruncate(file, 0) == 0;
}

static int allocate_file(void)
{
    return fallocate(file, 0, 0, LARGE) == 0 && lseek(file, 0, SEEK_END) == (off_t)LARGE;
}

static char *mapped;

static void mapped_file(void)
{
    memset(big, 1, BIG);
    large_file();
    mapped = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
}

/* All but the first and the last page and a byte of each of their neighbours. */
static int punch_file(void)
{
    const off_t from = (off_t)PAGE + 1;
    const off_t size = (off_t)LARGE - 2 * from;
    int did = fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, size) == 0;
    did &= mapped[0] == 1 && mapped[from - 1] == 1 && mapped[from] == 0 && mapped[LARGE / 2] == 0;
    did &= mapped[from + size - 1] == 0 && mapped[from + size] == 1 && mapped[LARGE - 1] == 1;
    return munmap(mapped, LARGE) == 0 && did;
}

static int remove_memory(void)
{
    int did = madvise(mapped + PAGE, LARGE - 2 * PAGE, MADV_REMOVE) == 0;
    did &= mapped[PAGE - 1] == 1 && mapped[PAGE] == 0 && mapped[LARGE - PAGE - 1] == 0;
    return munmap(mapped, LARGE) == 0 && did;
}

static int shorten_file(void)
{
    int did = ftruncate(file, PAGE + 1) == 0 && mapped[PAGE] == 1;
    did &= ftruncate(file, LARGE) == 0 && mapped[PAGE + 1] == 0 && mapped[LARGE - 1] == 0;
    return munmap(mapped, LARGE) == 0 && did;
}

static int close_file(void)
{
    int fd = file;
    file = -1;
    return close(fd) == 0;
}

/* The memory of a file that is gone can be used at once. */
static void again(void)
{
    for (int i = 0; i < 4; i++) {
        large_file();
        close_file();
    }
    private_memory();
    truth("memory of closed files is free", pages[LARGE - 1] == 1);
    munmap(pages, LARGE);
    pages = NULL;
}

static int last;

static void send_descriptor(int to, int fd)
{
    char control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec io = {"x", 1};
    struct msghdr message = {
        .msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    if (sendmsg(to, &message, 0) != 1)
        exit(1);
}

/* Each socket of the chain is in flight in the queue of the next. */
static void chain(void)
{
    last = -1;
    for (int i = 0; i < MANY; i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
            exit(1);
        if (last >= 0) {
            send_descriptor(pair[0], last);
            close(last);
        }
        close(pair[0]);
        last = pair[1];
    }
}

static int close_chain(void)
{
    return close(last) == 0;
}

static volatile int begun;

/* Appends records that are longer than a slice of the CPU; none may be cut by another's. */
static void *append(void *value)
{
    char *record = malloc(BIG / 8);
    memset(record, *(char *)value, BIG / 8);
    begun++;
    while (begun < 2)
        ;
    for (int i = 0; i < 4; i++)
        if (write(file, record, BIG / 8) != BIG / 8)
            exit(1);
    free(record);
    return NULL;
}

static void records(void)
{
    pthread_t a, b;
    int whole = 1;
    new_file();
    fcntl(file, F_SETFL, O_APPEND);
    begun = 0;
    pthread_create(&a, NULL, append, "a");
    pthread_create(&b, NULL, append, "b");
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    result("all of them", lseek(file, 0, SEEK_END));
    for (int i = 0; i < 8; i++) {
        if (pread(file, big, BIG / 8, i * (off_t)(BIG / 8)) != BIG / 8)
            exit(1);
        for (unsigned long at = 1; at < BIG / 8; at++)
            whole &= big[at] == big[0];
    }
    truth("records are whole", whole);
}

static long taken[2];

static void *take(void *sum)
{
    char *bytes = malloc(BIG / 16);
    ssize_t got;
    begun++;
    while (begun < 2)
        ;
    while ((got = read(file, bytes, BIG / 16)) > 0)
        *(long *)sum += got;
    free(bytes);
    return NULL;
}

/* Two threads that read by one position get each byte once. */
static void position(void)
{
    pthread_t a, b;
    lseek(file, 0, SEEK_SET);
    begun = 0;
    pthread_create(&a, NULL, take, &taken[0]);
    pthread_create(&b, NULL, take, &taken[1]);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    result("bytes read by both", taken[0] + taken[1]);
}

static void nothing(int signal)
{
    (void)signal;
}

/* A signal ends the call at the end of a page. */
static void interrupted(void)
{
    struct itimerval soon = {.it_value = {0, 5000}};
    signal(SIGALRM, nothing);
    ssize_t got = BIG;
    for (int tries = 0; tries < 50 && got == (ssize_t)BIG; tries++) { /* a busy emulator is late */
        setitimer(ITIMER_REAL, &soon, NULL);
        got = getrandom(big, BIG, 0);
    }
    truth("whole pages before the signal", got > 0 && got % PAGE == 0 && got < (ssize_t)BIG);
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}

int main(void)
{
    pthread_t ticking;
    big = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(big, 1, BIG);
    pthread_create(&ticking, NULL, tick, NULL);
    beside("read of /dev/zero", NULL, from_zero);
    beside("getrandom", NULL, random_call);
    beside("read of /dev/urandom", NULL, random_file);
    beside("write", new_file, write_file);
    beside("read", NULL, read_file);
    beside("sendfile of a hole", NULL, send_hole);
    beside("mmap with MAP_POPULATE", NULL, populate);
    beside("madvise", populated, discard);
    beside("munmap", populated, unmap);
    beside("mincore", NULL, residence);
    beside("read of smaps", NULL, read_smaps);
    beside("munmap of many areas", NULL, unmap_many);
    beside("mprotect", private_memory, protect);
    beside("mmap with MAP_FIXED", private_memory, replace);
    beside("mlock", private_memory, lock_all);
    beside("mremap to less", private_memory, shrink);
    beside("mremap to another place", numbered_memory, move);
    munmap(pages, LARGE);
    pages = NULL;
    beside("brk to less", grow_heap, shrink_heap);
    beside("ftruncate to nothing", large_file, truncate_file);
    beside("fallocate", new_file, allocate_file);
    beside("a hole in a mapped file", mapped_file, punch_file);
    beside("madvise with MADV_REMOVE", mapped_file, remove_memory);
    beside("ftruncate of a mapped file", mapped_file, shorten_file);
    beside("close of a large file", large_file, close_file);
    again();
    new_file();
    beside("close of a chain of sockets", chain, close_chain);
    stop = 1;
    pthread_join(ticking, NULL);
    records();
    position();
    interrupted();
    return 0;
}
