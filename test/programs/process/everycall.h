/* SPDX-License-Identifier: MIT */
/* The arguments of everycall.c: what is large for each kind of argument, and what the calls need beforehand. */
#pragma once

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PAGE       4096l
#define BIG        (16l << 20) /* a buffer, a file */
#define RANGE      (64l << 20) /* memory of calls on memory */
#define MANY_FDS   65000l
#define MANY_NAMES 4000
#define CHAIN      1000
#define MANY_BYTES (5ul << 20) /* of arguments */
#define FOLDER     "/tmp/everycall"
#define FILE_NAME  FOLDER "/file"
#define CROWD      FOLDER "/crowd" /* a folder of many names */

/* linux/futex.h, which musl-gcc lacks */
enum {
    FUTEX_WAIT,
    FUTEX_WAKE,
    FUTEX_REQUEUE = 3,
    FUTEX_CMP_REQUEUE,
    FUTEX_WAKE_OP,
    FUTEX_32 = 2,
    FUTEX_WAITV_MAX = 128
};
struct futex_waitv_of {
    uint64_t value, address;
    uint32_t flags, reserved;
};

#define ADDRESS(x) ((long)(uintptr_t)(x))

struct values {
    size_t count;
    long value[32];
};

static int report_fd = 100; /* of what run_row() prints; the calls close 1 */

static char *big, *heap, *range, *areas, *target, *shared;
static int big_fd, file_fd, hole_fd, fds[32];
static size_t fd_count;
static char deep_path[PATH_MAX], long_name[256];
static struct iovec iov[IOV_MAX];
static struct mmsghdr messages[IOV_MAX];
static char control[CMSG_SPACE(253 * sizeof(int))];
static struct sockaddr_un address = {AF_UNIX, FOLDER "/socket"};
static struct timespec no_time;
static char small[PAGE] __attribute__((aligned(64)));
static char *strings[64], long_string[128 << 10], **arguments;
static uint32_t word, word2;
static struct futex_waitv_of waiters[FUTEX_WAITV_MAX];
static struct {
    void *next;
    long offset;
    void *pending;
} ring = {&ring, 0, NULL}; /* a robust list without end */
static bool needs_file, needs_range;

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    _exit(1);
}

static char *map(long size, int flags, int fd)
{
    char *p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, flags, fd, 0);
    must(p != MAP_FAILED, "mmap");
    return p;
}

static void touch(char *p, long size)
{
    for (long at = 0; at < size; at += PAGE)
        p[at] = 1;
}

/* --- For all rows, once --- */

static void fill_file(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT, 0777);
    char *bytes = map(BIG, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    must(fd >= 0 && pwrite(fd, bytes, BIG, 0) == BIG && ftruncate(fd, BIG) == 0, name);
    munmap(bytes, BIG);
    close(fd);
}

/* Makes the file again if a call has changed it. */
static void make_file(void)
{
    struct stat s;
    bool there = lstat(FILE_NAME, &s) == 0;
    if (there && !S_ISREG(s.st_mode) && unlink(FILE_NAME) != 0)
        must(rmdir(FILE_NAME) == 0, "rmdir");
    if (!there || !S_ISREG(s.st_mode) || s.st_size != BIG || s.st_blocks < BIG / 512)
        fill_file(FILE_NAME);
}

static void prepare_all(void)
{
    char name[64];
    mkdir(FOLDER, 0777);
    mkdir(CROWD, 0777);
    for (int i = 0; i < MANY_NAMES; i++) {
        snprintf(name, sizeof name, CROWD "/a name of a file among many others %d", i);
        close(open(name, O_CREAT | O_WRONLY, 0777));
    }
    fill_file(FOLDER "/big");
}

/* --- Before a row --- */

static void send_descriptors(int to, const int *sent, size_t count)
{
    struct iovec io = {"x", 1};
    struct msghdr message = {.msg_iov = &io,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *c = (struct cmsghdr *)control;
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof(int)),
                          .cmsg_level = SOL_SOCKET,
                          .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(c), sent, count * sizeof(int));
    must(sendmsg(to, &message, 0) == 1, "sendmsg");
}

/* A socket in whose queue is a socket in whose queue ... */
static int chain_of_sockets(void)
{
    int last = -1, pair[2];
    for (int i = 0; i < CHAIN; i++) {
        must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
        if (last >= 0) {
            send_descriptors(pair[0], &last, 1);
            close(last);
        }
        close(pair[0]);
        last = pair[1];
    }
    return last;
}

static void add_fd(int fd)
{
    must(fd >= 0, "a descriptor");
    fds[fd_count++] = fd;
}

static void add_opened(const char *name, int flags)
{
    add_fd(open(name, flags | O_CLOEXEC, 0777));
}

static void open_descriptors(void)
{
    int pair[2];
    sigset_t set;
    add_fd(file_fd);
    add_fd(hole_fd);
    add_opened(FOLDER "/big", O_RDWR);
    add_opened("/dev/zero", O_RDWR);
    add_opened("/dev/urandom", O_RDWR);
    add_opened("/dev/null", O_RDWR);
    add_opened("/dev/full", O_RDWR);
    must(pipe(pair) == 0, "pipe");
    fcntl(pair[0], F_SETPIPE_SZ, 1 << 20);
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    while (write(pair[1], big, 1 << 16) > 0)
        ;
    add_fd(pair[0]);
    must(pipe(pair) == 0, "pipe");
    fcntl(pair[0], F_SETPIPE_SZ, 1 << 20);
    add_fd(pair[1]);
    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
        must(socketpair(AF_UNIX, type, 0, pair) == 0, "socketpair");
        setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &(int){1 << 20}, sizeof(int));
        setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &(int){1 << 20}, sizeof(int));
        while (send(pair[1], big, 1 << 14, MSG_DONTWAIT) > 0)
            ;
        add_fd(pair[0]);
    }
    add_opened(CROWD, O_RDONLY | O_DIRECTORY);
    add_opened("/proc/self/smaps", O_RDONLY);
    add_opened("/proc/self/maps", O_RDONLY);
    add_opened("/proc/self/pagemap", O_RDONLY);
    add_opened("/proc/pagetables", O_RDONLY);
    add_opened("/proc/self/clear_refs", O_WRONLY);
    add_fd(eventfd(1, 0));
    add_fd(timerfd_create(CLOCK_MONOTONIC, 0));
    sigemptyset(&set);
    add_fd(signalfd(-1, &set, 0));
    add_fd(epoll_create1(0));
    add_fd(inotify_init());
    inotify_add_watch(fds[fd_count - 1], FOLDER, IN_ALL_EVENTS);
}

/* Descriptors that are ready, and an epoll that watches them. */
static int open_many(void)
{
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    struct rlimit most = {MANY_FDS + 10, MANY_FDS + 10};
    must(setrlimit(RLIMIT_NOFILE, &most) == 0, "RLIMIT_NOFILE");
    int fd, ready = eventfd(1, 0);
    while ((fd = dup(ready)) >= 0 && fd < MANY_FDS)
        must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
    return epoll;
}

static void add_description(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    add_opened(path, O_RDONLY);
}

/* Each area: all of its pages at `at`, every other one of `areas` writable. */
static void make_memory(char **at)
{
    if (*at)
        munmap(*at, RANGE);
    if (at == &shared)
        *at = map(RANGE, MAP_SHARED, file_fd);
    else
        *at = map(RANGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    madvise(*at, RANGE, MADV_NOHUGEPAGE);
    if (at != &target)
        touch(*at, at == &shared ? BIG : RANGE);
    for (long i = 0; at == &areas && i < RANGE; i += 2 * PAGE)
        mprotect(*at + i, PAGE, PROT_READ);
}

/* Nearly as much as the largest stack allows, in long strings or in empty ones. */
static void make_arguments(bool long_ones)
{
    struct rlimit stack = {64l << 20, 64l << 20};
    must(setrlimit(RLIMIT_STACK, &stack) == 0, "RLIMIT_STACK");
    for (size_t i = 2; i < 2 + MANY_BYTES / sizeof long_string; i++)
        strings[i] = long_string;
    arguments = strings;
    if (long_ones)
        return;
    arguments = (char **)map((long)(MANY_BYTES / 9 + 1) * 8, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (size_t i = 0; i < MANY_BYTES / 9; i++)
        arguments[i] = i == 0 ? strings[0] : i == 1 ? strings[1] : "";
}

static char **const memories[] = {&range, &areas, &shared, &target};

static void *wait_for_word(void *unused)
{
    (void)unused;
    syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
    return NULL;
}

static void make_waiters(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 1 << 14);
    for (int i = 0; i < 1000; i++)
        must(pthread_create(&thread, &attributes, wait_for_word, NULL) == 0, "pthread_create");
    nanosleep(&(struct timespec){0, 10000000}, NULL);
}

static bool is_one_of(const char *name, const char *names)
{
    size_t length = strlen(name);
    for (const char *p = names; (p = strstr(p, name)); p += length)
        if ((p == names || p[-1] == ' ') && (p[length] == ' ' || p[length] == 0))
            return true;
    return false;
}

#define ON_MEMORY                                                                                  \
    "mmap mprotect munmap brk mremap msync mincore madvise mlock mlock2 munlock mlockall "         \
    "munlockall exit exit_group execve execveat process_madvise"
#define CHANGES_FILE                                                                               \
    "open openat creat truncate ftruncate fallocate unlink unlinkat rename renameat renameat2 "    \
    "write pwrite64 writev pwritev pwritev2 sendfile copy_file_range splice madvise close dup2 "   \
    "dup3 link linkat rmdir"

static void prepare_row(const char *name, const char *kinds)
{
    dup2(2, report_fd);
    memset(deep_path, '/', sizeof deep_path - 1);
    memcpy(deep_path, "/tmp", 4);
    memcpy(deep_path + sizeof deep_path - 6, "/none", 5);
    memset(long_name, 'n', sizeof long_name - 1);
    needs_file = is_one_of(name, CHANGES_FILE);
    heap = (char *)syscall(SYS_brk, 0);
    needs_range = is_one_of(name, ON_MEMORY);
    mkdir(FOLDER "/folder", 0777);
    make_file();
    file_fd = open(FILE_NAME, O_RDWR | O_CLOEXEC);
    hole_fd = memfd_create("hole", 0);
    big_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    big = map(BIG, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    madvise(big, BIG, MADV_NOHUGEPAGE);
    touch(big, BIG);
    if (needs_range)
        for (size_t i = 0; i < 4; i++)
            make_memory(memories[i]);
    else if (is_one_of(name, "read pread64 readv lseek"))
        make_memory(&areas); /* for smaps */
    if (strstr(kinds, "FD") || is_one_of(name, "poll ppoll select pselect6 close_range"))
        open_descriptors();
    if ((strstr(name, "poll") || strstr(name, "select")) && !strstr(name, "create"))
        must(dup2(open_many(), fds[0]) == fds[0], "dup2"); /* the first: the largest */
    if (strcmp(name, "read") == 0)
        add_description(open_many());
    if (is_one_of(name, "close dup2 dup3 close_range exit_group shutdown sendmsg"))
        fds[fd_count++] = chain_of_sockets();
    if (strcmp(name, "futex") == 0)
        make_waiters();
    for (int i = 0; i < IOV_MAX; i++) {
        iov[i] = (struct iovec){big, BIG / IOV_MAX};
        iov[i].iov_base = big + i * (BIG / IOV_MAX);
        messages[i].msg_hdr = (struct msghdr){.msg_iov = iov, .msg_iovlen = IOV_MAX};
    }
    struct cmsghdr *c = (struct cmsghdr *)control;
    *c = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(253 * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    for (int i = 0; i < 253; i++)
        ((int *)CMSG_DATA(c))[i] = big_fd;
    messages[0].msg_hdr.msg_control = control;
    messages[0].msg_hdr.msg_controllen = sizeof control;
    for (int i = 0; i < FUTEX_WAITV_MAX; i++)
        waiters[i] = (struct futex_waitv_of){0, (uint64_t)(uintptr_t)&word, FUTEX_32, 0};
    memset(long_string, 'l', sizeof long_string - 1);
    strings[0] = "everycall";
    strings[1] = "end";
    if (strstr(name, "exec"))
        make_arguments(strcmp(name, "execve") == 0);
}

/* --- Before and after a call --- */

static void prepare_call(void)
{
    if (needs_file && ftruncate(hole_fd, 0) == 0)
        must(ftruncate(hole_fd, 4 * BIG) == 0, "hole");
    if (needs_file)
        make_file();
    if (needs_file && fcntl(file_fd, F_GETFD) < 0) /* close() */
        must(dup2(open(FILE_NAME, O_RDWR), file_fd) == file_fd, FILE_NAME);
}

/* Makes the memory again that the call has changed. */
static void after_call(long number, const long *a, long result)
{
    bool keeps = number == SYS_madvise || number == SYS_mlock || number == SYS_mlock2 ||
                 number == SYS_munlock || number == SYS_mlockall || number == SYS_munlockall ||
                 number == SYS_msync || number == SYS_mincore;
    if (!needs_range || result < 0)
        return;
    if (number == SYS_brk)
        for (char *p = (char *)result - RANGE; p < (char *)result; p += PAGE)
            if (a[0] == result && p >= heap)
                *p = 1;
    if (number == SYS_madvise && a[0] == ADDRESS(range))
        touch(range, RANGE);
    if (keeps)
        return;
    if (number == SYS_mmap || number == SYS_mremap)
        munmap((void *)result, (size_t)a[number == SYS_mmap ? 1 : 2]);
    for (size_t i = 0; i < 4; i++)
        if (a[0] == ADDRESS(*memories[i]) || result == ADDRESS(*memories[i]))
            make_memory(memories[i]);
}

/* --- Values --- */

static void put(struct values *to, size_t count, const long *from)
{
    to->count = count;
    memcpy(to->value, from, count * sizeof *from);
}
#define PUT(to, ...)                                                                               \
    put(to, sizeof((const long[]){__VA_ARGS__}) / sizeof(long), (const long[]){__VA_ARGS__})

static void put_poll(struct values *to)
{
    struct pollfd_of {
        int fd;
        short events, revents;
    } *list = calloc(MANY_FDS, sizeof *list);
    for (int i = 0; i < MANY_FDS; i++)
        list[i] = (struct pollfd_of){i, 1, 0};
    PUT(to, ADDRESS(list));
}

static bool choose_for_memory(const char *name, size_t index, const char *kind, struct values *to)
{
    bool remaps = strcmp(name, "mremap") == 0;
    if (strcmp(name, "brk") == 0)
        PUT(to, ADDRESS(heap) + RANGE, ADDRESS(heap));
    else if (strcmp(name, "mmap") == 0 && index == 0)
        PUT(to, ADDRESS(range), 0);
    else if (index == 0 && strcmp(kind, "PTR") == 0)
        PUT(to, ADDRESS(range), ADDRESS(areas), ADDRESS(shared), ADDRESS(target));
    else if (remaps && index == 2)
        PUT(to, 2 * RANGE, RANGE, PAGE);
    else if (remaps && index == 3)
        PUT(to, MREMAP_MAYMOVE | MREMAP_FIXED, MREMAP_MAYMOVE, 0, MREMAP_MAYMOVE | 4);
    else if (remaps && index == 4)
        PUT(to, ADDRESS(target));
    else if (strcmp(kind, "SIZE") == 0)
        PUT(to, RANGE);
    else if (strcmp(kind, "HEX") == 0)
        PUT(to, 0, 1, 2, 3, 4, 7);
    else if (strcmp(name, "mmap") == 0 && strcmp(kind, "FD") == 0)
        PUT(to, file_fd, fds[3]);
    else
        return false;
    return true;
}

/* Where the kind of an argument does not say what is large. */
static bool choose_for_call(const char *name, size_t index, const char *kind, struct values *to)
{
    bool selects = is_one_of(name, "select pselect6"), futex = strcmp(name, "futex") == 0;
    if (is_one_of(name, "poll ppoll") && index == 0)
        put_poll(to);
    else if (is_one_of(name, "poll ppoll") && index == 1)
        PUT(to, MANY_FDS);
    else if ((strcmp(name, "ppoll") == 0 && index == 2) || (selects && index == 4))
        PUT(to, ADDRESS(&no_time));
    else if (is_one_of(name, "poll epoll_wait epoll_pwait") && strcmp(kind, "INT") == 0 &&
             index != 2)
        PUT(to, 0);
    else if (selects && index == 0)
        PUT(to, MANY_FDS, 1024);
    else if (futex && index == 1)
        PUT(to, FUTEX_WAKE, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP, FUTEX_WAIT);
    else if (futex && index == 0)
        PUT(to, ADDRESS(&word));
    else if (futex && index == 2)
        PUT(to, INT_MAX, 0, 1);
    else if (futex && index == 3)
        PUT(to, INT_MAX, ADDRESS(&no_time));
    else if (futex && index == 4)
        PUT(to, ADDRESS(&word2));
    else if (strcmp(name, "futex_waitv") == 0)
        PUT(to, index == 0 ? ADDRESS(waiters) : index == 1 ? FUTEX_WAITV_MAX : 0);
    else if (is_one_of(name, "sendmsg recvmsg sendmmsg recvmmsg") && index == 1)
        PUT(to, ADDRESS(messages));
    else if (is_one_of(name, "connect bind") && index == 1)
        PUT(to, ADDRESS(&address));
    else if (is_one_of(name, "connect bind") && index == 2)
        PUT(to, (long)sizeof address);
    else if (is_one_of(name, "preadv pwritev preadv2 pwritev2 vmsplice") &&
             (index == 1 || index == 2))
        PUT(to, index == 1 ? ADDRESS(iov) : IOV_MAX);
    else if (is_one_of(name, "preadv pwritev preadv2 pwritev2") && strcmp(kind, "SIZE") == 0)
        PUT(to, 0);
    else if (is_one_of(name, "pread64 pwrite64") && index == 3)
        PUT(to, 0, BIG / 2);
    else if (is_one_of(name, "splice sendfile copy_file_range") && strcmp(kind, "PTR") == 0)
        PUT(to, 0);
    else if (is_one_of(name, "set_robust_list") && index == 0)
        PUT(to, ADDRESS(&ring));
    else if (strcmp(name, "set_robust_list") == 0)
        PUT(to, (long)sizeof ring);
    else if (strcmp(name, "close_range") == 0)
        PUT(to, index == 0 ? 3 : index == 1 ? -1 : 0);
    else if (is_one_of(name, "execve execveat") && strcmp(kind, "STR") == 0)
        PUT(to, ADDRESS(deep_path), ADDRESS("/proc/self/exe"));
    else if (is_one_of(name, "kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo") &&
             strcmp(kind, "INT") == 0)
        PUT(to, getpid());
    else if (strcmp(name, "arch_prctl") == 0)
        PUT(to, index == 0 ? 0x1003 : ADDRESS(small));
    else if (strncmp(name, "rt_sig", 6) == 0 && strcmp(kind, "SIZE") == 0)
        PUT(to, 8);
    else
        return false;
    return true;
}

static void choose_by_kind(const char *kind, size_t index, struct values *to)
{
    if (strcmp(kind, "FD") == 0)
        put(to, index == 0 || fd_count < 12 ? fd_count : 12,
            (const long[32]){fds[0],  fds[1],  fds[7],  fds[8],  fds[9],  fds[4],
                             fds[6],  fds[2],  fds[3],  fds[10], fds[5],  fds[11],
                             fds[12], fds[13], fds[14], fds[15], fds[16], fds[17],
                             fds[18], fds[19], fds[20], fds[21], fds[22], fds[23]});
    else if (strcmp(kind, "SIZE") == 0)
        PUT(to, BIG, 65536, 0);
    else if (strcmp(kind, "INT") == 0)
        PUT(to, 1024, 0, 1, INT_MAX, -1);
    else if (strcmp(kind, "UINT") == 0)
        PUT(to, BIG, 65536, 1024, 0);
    else if (strcmp(kind, "HEX") == 0)
        PUT(to, 0, 1, 2, 3, 4, 0x40);
    else if (strcmp(kind, "MODE") == 0 || strcmp(kind, "OPEN_MODE") == 0)
        PUT(to, 0777);
    else if (strcmp(kind, "SIGNAL") == 0)
        PUT(to, SIGUSR2, 0);
    else if (strcmp(kind, "STR") == 0)
        PUT(to, ADDRESS(FILE_NAME), ADDRESS(deep_path), ADDRESS(FOLDER "/folder"),
            ADDRESS(long_name));
    else if (strcmp(kind, "IOV") == 0 || strcmp(kind, "IOV_OUT") == 0)
        PUT(to, ADDRESS(iov));
    else if (strcmp(kind, "LIST") == 0 || strcmp(kind, "ENV") == 0)
        PUT(to, ADDRESS(*kind == 'L' ? arguments : &strings[63])); /* no environment */
    else if (strcmp(kind, "TIME") == 0)
        PUT(to, ADDRESS(&no_time));
    else if (strcmp(kind, "PTR") == 0 || strcmp(kind, "BYTES") == 0 ||
             strcmp(kind, "BYTES_OUT") == 0 || strcmp(kind, "STR_OUT") == 0)
        PUT(to, ADDRESS(big), 0);
    else if (strcmp(kind, "ADVICE") == 0)
        PUT(to, MADV_DONTNEED, 0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
            23, 24, 25);
    else if (strcmp(kind, "PROT") == 0)
        PUT(to, PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE);
    else if (strcmp(kind, "MAP") == 0)
        PUT(to, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_FIXED,
            MAP_SHARED | MAP_POPULATE | MAP_FIXED, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE,
            MAP_PRIVATE | MAP_POPULATE, MAP_PRIVATE | MAP_ANONYMOUS);
    else if (strcmp(kind, "FCNTL") == 0)
        PUT(to, 0, 1, 3, 4, F_SETPIPE_SZ, F_GETPIPE_SZ, F_GETLK, F_SETLK, 1033, 1034);
    else if (strcmp(kind, "FCNTL_ARG") == 0)
        PUT(to, ADDRESS(small), 1024, 1 << 20);
    else if (strcmp(kind, "IOCTL") == 0)
        PUT(to, 0x541b, 0x5401, 0x5413, 0x5421, 0x40049409);
    else if (strcmp(kind, "OFLAGS") == 0)
        PUT(to, O_RDWR | O_CREAT | O_TRUNC, O_RDONLY, O_RDONLY | O_DIRECTORY, O_WRONLY | O_APPEND);
    else if (strcmp(kind, "WHENCE") == 0)
        PUT(to, 4, 3, 2, 1, 0);
    else if (strcmp(kind, "FAMILY") == 0 || strcmp(kind, "SOCK") == 0)
        PUT(to, 1, 2, 5);
    else if (strstr(kind, "_OUT") || strcmp(kind, "SIGSET") == 0 || strcmp(kind, "ACTION") == 0)
        PUT(to, ADDRESS(small), 0);
    else
        PUT(to, 0, 1, 2, 3, 4, 8, 0x200, 0x1000);
}

static void choose_values(const char *name, size_t index, const char *kind, struct values *to)
{
    if (!(needs_range && strncmp(name, "e", 1) != 0 && choose_for_memory(name, index, kind, to)) &&
        !choose_for_call(name, index, kind, to))
        choose_by_kind(kind, index, to);
}
