/* SPDX-License-Identifier: MIT */
/* What there can be much of (growth.c): each add_ function makes member number i and is true if the
 * system could; each end_ function ends them all. */
#pragma once

#include "guest.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>

#define THREADS_MAX 1000
#define AREAS_MAX   30000
#define FDS_MAX     10000
#define STACK       ((size_t)32 << 10)
#define FOLDER      "/tmp/growth"

/* From Linux's <linux/futex.h>, which musl lacks. */
#define FUTEX_WAIT_PRIVATE                 128
#define FUTEX_WAKE_PRIVATE                 129
#define FUTEX_LOCK_PI_PRIVATE              134
#define FUTEX_UNLOCK_PI_PRIVATE            135
#define FUTEX_WAIT_REQUEUE_PI_PRIVATE      139
#define FUTEX_CMP_REQUEUE_PI_PRIVATE       140
#define FUTEX_WAIT_BITSET_REALTIME_PRIVATE (9 | 128 | 256)

/* Another member of a crowd of n each time, in an order without a pattern. */
static long pick(long n)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (long)(state % (uint64_t)n);
}

static pthread_t thread[THREADS_MAX];
static int word[THREADS_MAX], gate = -1;
static long threads;
static atomic_long awake;

static bool start_thread(pthread_t *made, void *(*run)(void *), void *argument)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    return pthread_create(made, &attributes, run, argument) == 0;
}

/* The threads of a crowd sleep until the gate, an eventfd, is opened. */
static bool add_sleeper(void *(*run)(void *), long i)
{
    if (gate < 0)
        gate = eventfd(0, EFD_SEMAPHORE);
    if (!start_thread(&thread[i], run, &word[i]))
        return false;
    threads = i + 1;
    while (atomic_load(&awake) < threads)
        sched_yield();
    return true;
}

static void end_sleepers(void)
{
    for (long i = 0; i < threads; i++) {
        word[i] = 1;
        syscall(SYS_futex, &word[i], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
    if (threads && eventfd_write(gate, (eventfd_t)threads) != 0)
        perror("gate");
    for (long i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    threads = 0;
    atomic_store(&awake, 0);
    if (gate >= 0)
        close(gate);
    gate = -1;
}

static void *sleep_in_poll(void *unused)
{
    struct pollfd fd = {gate, POLLIN, 0};
    (void)unused;
    atomic_fetch_add(&awake, 1);
    poll(&fd, 1, -1);
    return NULL;
}

static void *sleep_in_epoll(void *unused)
{
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(0);
    (void)unused;
    epoll_ctl(epoll, EPOLL_CTL_ADD, gate, &event);
    atomic_fetch_add(&awake, 1);
    epoll_wait(epoll, &event, 1, -1);
    close(epoll);
    return NULL;
}

static void *sleep_in_read(void *unused)
{
    eventfd_t value;
    (void)unused;
    atomic_fetch_add(&awake, 1);
    eventfd_read(gate, &value);
    return NULL;
}

static void *sleep_in_futex(void *mine)
{
    atomic_fetch_add(&awake, 1);
    while (__atomic_load_n((int *)mine, __ATOMIC_RELAXED) == 0)
        syscall(SYS_futex, mine, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return NULL;
}

static bool add_poller(long i)
{
    return add_sleeper(sleep_in_poll, i);
}

static bool add_epoller(long i)
{
    return add_sleeper(sleep_in_epoll, i);
}

static bool add_reader(long i)
{
    return add_sleeper(sleep_in_read, i);
}

static bool add_futex_waiter(long i)
{
    word[i] = 0;
    return add_sleeper(sleep_in_futex, i);
}

static char *area[AREAS_MAX];

/* Neighbours differ in protection, so that the system cannot merge them. */
static bool add_area(long i)
{
    area[i] = mmap(NULL, PAGE, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return area[i] != MAP_FAILED;
}

static int fds[FDS_MAX], watcher = -1;
static long fd_count;

static bool keep_fd(int fd)
{
    if (fd >= 0)
        fds[fd_count++] = fd;
    return fd >= 0;
}

static void end_fds(void)
{
    while (fd_count > 0)
        close(fds[--fd_count]);
    if (watcher >= 0)
        close(watcher);
    watcher = -1;
}

static bool add_descriptor(long i)
{
    (void)i;
    return keep_fd(open("/", O_RDONLY | O_DIRECTORY));
}

/* One epoll that watches many. */
static bool add_watched(long i)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = (int)i};
    int fd = eventfd(0, EFD_NONBLOCK);
    if (watcher < 0)
        watcher = epoll_create1(0);
    return keep_fd(fd) && epoll_ctl(watcher, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Many epolls that watch one. */
static bool add_watcher(long i)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = (int)i};
    int fd = epoll_create1(0);
    if (watcher < 0)
        watcher = eventfd(0, EFD_NONBLOCK);
    return keep_fd(fd) && epoll_ctl(fd, EPOLL_CTL_ADD, watcher, &event) == 0;
}

static bool add_timer(long i)
{
    struct itimerspec when = {.it_value = {3600 + i, 0}};
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    return keep_fd(fd) && timerfd_settime(fd, 0, &when, NULL) == 0;
}

static timer_t posix_timer[FDS_MAX];
static long posix_timers;

static bool add_posix_timer(long i)
{
    struct sigevent none = {.sigev_notify = SIGEV_NONE};
    posix_timers = i;
    return timer_create(CLOCK_MONOTONIC, &none, &posix_timer[i]) == 0;
}

static void end_posix_timers(void)
{
    while (posix_timers >= 0)
        timer_delete(posix_timer[posix_timers--]);
}

static socklen_t socket_name(struct sockaddr_un *name, const char *kind, long i)
{
    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(name->sun_path + 1, sizeof name->sun_path - 1, "%s%ld", kind, i);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

static bool add_listener(long i)
{
    struct sockaddr_un name;
    socklen_t size = socket_name(&name, "growth", i);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return keep_fd(fd) && bind(fd, (struct sockaddr *)&name, size) == 0 && listen(fd, 8) == 0;
}

/* Sockets of the loopback interface, which a bare Linux has to be told to use. */
static bool at_port(struct sockaddr_in *at, long port)
{
    *at = (struct sockaddr_in){.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    static bool up;
    int fd = up ? -1 : socket(AF_INET, SOCK_DGRAM, 0);
    if (fd >= 0) {
        ioctl(fd, SIOCSIFFLAGS, &request);
        close(fd);
    }
    return up = true;
}

#define PORTS 10000

static bool add_bound(long i, int type)
{
    struct sockaddr_in at;
    int fd = socket(AF_INET, type, 0);
    return at_port(&at, PORTS + i) && keep_fd(fd) &&
           bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
}

static bool add_tcp_listener(long i)
{
    return add_bound(i, SOCK_STREAM) && listen(fds[i], 8) == 0;
}

static bool add_udp_socket(long i)
{
    return add_bound(i, SOCK_DGRAM);
}

/* Both ends of a connection; the listener is the first descriptor. */
static bool add_connection(long i)
{
    struct sockaddr_in at;
    if (i == 0 && !add_tcp_listener(0))
        return false;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return at_port(&at, PORTS) && keep_fd(fd) &&
           connect(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
           keep_fd(accept(fds[0], NULL, NULL));
}

static void file_name(char *name, size_t size, const char *kind, long i)
{
    snprintf(name, size, FOLDER "/%s%ld", kind, i);
}

/* A file, and a name that was looked for in vain. */
static bool add_file(long i)
{
    char name[64];
    struct stat status;
    if (i == 0)
        mkdir(FOLDER, 0755);
    file_name(name, sizeof name, "file", i);
    int fd = open(name, O_CREAT | O_WRONLY, 0644);
    if (fd < 0)
        return false;
    close(fd);
    file_name(name, sizeof name, "absent", i);
    return stat(name, &status) != 0;
}

static int watched_folder = -1;

static bool add_inotify(long i)
{
    char name[64];
    if (watched_folder < 0)
        watched_folder = inotify_init1(IN_NONBLOCK);
    return add_file(i) && (file_name(name, sizeof name, "file", i),
                           inotify_add_watch(watched_folder, name, IN_DELETE_SELF) >= 0);
}

/* Every other byte is locked, so that no two locks become one. */
static int locked_file = -1;

static bool set_lock(short type, off_t at)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    if (locked_file < 0)
        locked_file = open("/tmp/locked", O_CREAT | O_RDWR, 0644);
    return fcntl(locked_file, F_SETLK, &lock) == 0;
}

static bool add_lock(long i)
{
    return set_lock(F_WRLCK, 2 * i);
}

static void end_locks(void)
{
    close(locked_file);
    locked_file = -1;
}

/* Files with a lease each. */
static bool add_lease(long i)
{
    char name[64];
    snprintf(name, sizeof name, "/tmp/leased%ld", i);
    return keep_fd(open(name, O_CREAT | O_RDWR, 0644)) && fcntl(fds[i], F_SETLEASE, F_WRLCK) == 0;
}

/* Threads that wait for a lock of a file. The one that has it releases it each time the gate is opened. */
static int passed = -1;
static atomic_bool passing_ends;

static void pass_lock(bool (*lock)(int fd, bool))
{
    int fd = open("/tmp/waited", O_CREAT | O_RDWR, 0644);
    atomic_fetch_add(&awake, 1);
    while (!atomic_load(&passing_ends) && lock(fd, true)) {
        eventfd_t turn;
        if (eventfd_read(gate, &turn) != 0 || !lock(fd, false) || eventfd_write(passed, 1) != 0)
            break;
    }
    close(fd);
}

static bool add_passer(void *(*run)(void *), long i)
{
    if (passed < 0)
        passed = eventfd(0, 0);
    return add_sleeper(run, i);
}

static void end_passers(void)
{
    atomic_store(&passing_ends, true);
    end_sleepers();
    atomic_store(&passing_ends, false);
    close(passed);
    passed = -1;
}

static bool lock_range(int fd, bool lock)
{
    struct flock range = {
        .l_type = lock ? F_WRLCK : F_UNLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 1};
    return fcntl(fd, F_OFD_SETLKW, &range) == 0;
}

static void *pass_range(void *unused)
{
    (void)unused;
    pass_lock(lock_range);
    return NULL;
}

static bool add_lock_waiter(long i)
{
    return add_passer(pass_range, i);
}

static bool lock_whole(int fd, bool lock)
{
    return flock(fd, lock ? LOCK_EX : LOCK_UN) == 0;
}

static void *pass_whole(void *unused)
{
    (void)unused;
    pass_lock(lock_whole);
    return NULL;
}

static bool add_flock_waiter(long i)
{
    return add_passer(pass_whole, i);
}

/* Threads that wait for a priority-inheriting futex each, or all for the same. */
static int pi_word[THREADS_MAX], pi_common;

static bool hold_pi(int *word)
{
    return *word != 0 || syscall(SYS_futex, word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0;
}

static void *sleep_in_pi(void *word)
{
    atomic_fetch_add(&awake, 1);
    syscall(SYS_futex, word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    syscall(SYS_futex, word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    return NULL;
}

static void *sleep_in_own_pi(void *own)
{
    return sleep_in_pi(&pi_word[(int *)own - word]);
}

static void *sleep_in_common_pi(void *unused)
{
    (void)unused;
    return sleep_in_pi(&pi_common);
}

static bool add_pi_waiter(long i)
{
    return hold_pi(&pi_word[i]) && add_sleeper(sleep_in_own_pi, i);
}

static bool add_common_pi_waiter(long i)
{
    return hold_pi(&pi_common) && add_sleeper(sleep_in_common_pi, i);
}

static void end_pi_waiters(void)
{
    for (long i = 0; i < THREADS_MAX; i++)
        if (pi_word[i] != 0)
            syscall(SYS_futex, &pi_word[i], FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    if (pi_common != 0)
        syscall(SYS_futex, &pi_common, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    end_sleepers();
}

static pid_t child[THREADS_MAX];
static long children;

static int sleep_in_pause(void *unused)
{
    (void)unused;
    for (;;)
        pause();
    return 0;
}

static bool keep_child(long i, pid_t pid)
{
    child[i] = pid;
    children = pid > 0 ? i + 1 : children;
    return pid > 0;
}

/* A process that shares the memory, as a child of vfork() does before execve(). */
static bool add_process(long i)
{
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return stack != MAP_FAILED &&
           keep_child(i, clone(sleep_in_pause, stack + STACK, CLONE_VM | SIGCHLD, NULL));
}

/* A process with memory of its own. */
static bool add_forked(long i)
{
    pid_t pid = fork();
    if (pid == 0)
        sleep_in_pause(NULL);
    return keep_child(i, pid);
}

static void end_processes(void)
{
    for (long i = 0; i < children; i++) {
        kill(child[i], SIGKILL);
        waitpid(child[i], NULL, 0);
    }
    children = 0;
}

/* Threads that sleep until a time of the clock that can be set. */
static void *sleep_in_realtime(void *mine)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 100000;
    atomic_fetch_add(&awake, 1);
    while (__atomic_load_n((int *)mine, __ATOMIC_RELAXED) == 0)
        syscall(SYS_futex, mine, FUTEX_WAIT_BITSET_REALTIME_PRIVATE, 0, &until, NULL, -1);
    return NULL;
}

static bool add_realtime_sleeper(long i)
{
    word[i] = 0;
    return add_sleeper(sleep_in_realtime, i);
}

/* Packets in a pipe. */
static int packets[2];

static bool add_packet(long i)
{
    return (i > 0 ||
            (pipe2(packets, O_DIRECT) == 0 && fcntl(packets[1], F_SETPIPE_SZ, 1 << 20) > 0)) &&
           write(packets[1], "packet", 6) == 6;
}

static void end_packets(void)
{
    close(packets[0]);
    close(packets[1]);
}
