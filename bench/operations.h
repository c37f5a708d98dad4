/* SPDX-License-Identifier: MIT */
/* What is measured beside a crowd (growth.c): each do_ function is done `rounds` times beside a crowd of n; false: the
 * system lacks it. */
#pragma once

#include "crowd.h"

#include <dirent.h>
#include <errno.h>

static int there[2], back[2];

static void *echo(void *unused)
{
    char byte;
    (void)unused;
    while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1) {
    }
    return NULL;
}

/* A byte through a pipe to another thread and back. The pipes and the thread are made once. */
static bool do_pipe_roundtrip(long n, long rounds)
{
    static bool made;
    pthread_t other;
    char byte = 'x';
    (void)n;
    made = made || (pipe(there) == 0 && pipe(back) == 0 && start_thread(&other, echo, NULL));
    for (long i = 0; made && i < rounds; i++)
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            return false;
    return made;
}

static int ball;

static void await(int *word, int side)
{
    while (__atomic_load_n(word, __ATOMIC_SEQ_CST) != side)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, !side, NULL, NULL, 0);
}

static void throw_to(int *word, int side)
{
    __atomic_store_n(word, side, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *play(void *unused)
{
    (void)unused;
    for (;;) {
        await(&ball, 1);
        throw_to(&ball, 0);
    }
    return NULL;
}

static bool do_futex_roundtrip(long n, long rounds)
{
    static bool made;
    pthread_t other;
    (void)n;
    made = made || start_thread(&other, play, NULL);
    for (long i = 0; made && i < rounds; i++) {
        throw_to(&ball, 1);
        await(&ball, 0);
    }
    return made;
}

static void *do_return(void *argument)
{
    return argument;
}

static bool do_thread_create_join(long n, long rounds)
{
    pthread_t other;
    (void)n;
    for (long i = 0; i < rounds; i++) {
        if (!start_thread(&other, do_return, NULL))
            return false;
        pthread_join(other, NULL);
    }
    return true;
}

static bool do_epoll_one_ready(long n, long rounds)
{
    struct epoll_event event[4];
    eventfd_t value;
    for (long i = 0; i < rounds; i++) {
        int fd = fds[pick(n)];
        if (eventfd_write(fd, 1) != 0 || epoll_wait(watcher, event, 4, -1) != 1 ||
            eventfd_read(fd, &value) != 0)
            return false;
    }
    return true;
}

static bool do_epoll_add_remove(long n, long rounds)
{
    struct epoll_event event = {.events = EPOLLIN};
    int fd = eventfd(0, EFD_NONBLOCK);
    bool good = fd >= 0;
    (void)n;
    for (long i = 0; good && i < rounds; i++)
        good = epoll_ctl(watcher, EPOLL_CTL_ADD, fd, &event) == 0 &&
               epoll_ctl(watcher, EPOLL_CTL_DEL, fd, NULL) == 0;
    close(fd);
    return good;
}

static bool do_read_watched(long n, long rounds)
{
    eventfd_t value;
    (void)n;
    for (long i = 0; i < rounds; i++)
        if (read(watcher, &value, sizeof value) >= 0)
            return false;
    return true;
}

static bool do_mmap_touch_munmap(long n, long rounds)
{
    (void)n;
    for (long i = 0; i < rounds; i++) {
        char *start =
            mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED)
            return false;
        *(volatile char *)start = 1;
        munmap(start, 2 * PAGE);
    }
    return true;
}

static bool do_drop_and_fault(long n, long rounds)
{
    for (long i = 0; i < rounds; i++) {
        char *page = area[pick(n) & ~1L];
        if (madvise(page, PAGE, MADV_DONTNEED) != 0)
            return false;
        *(volatile char *)page = 1;
    }
    return true;
}

static bool read_whole(const char *name, long rounds)
{
    static char text[4096];
    for (long i = 0; i < rounds; i++) {
        int fd = open(name, O_RDONLY);
        if (fd < 0 || read(fd, text, sizeof text) <= 0)
            return false;
        close(fd);
    }
    return true;
}

static bool do_proc_self_stat(long n, long rounds)
{
    (void)n;
    return read_whole("/proc/self/stat", rounds);
}

static bool do_proc_self_statm(long n, long rounds)
{
    (void)n;
    return read_whole("/proc/self/statm", rounds);
}

static bool do_open_close(long n, long rounds)
{
    (void)n;
    for (long i = 0; i < rounds; i++) {
        int fd = open("/", O_RDONLY | O_DIRECTORY);
        if (fd < 0)
            return false;
        close(fd);
    }
    return true;
}

static bool do_timer_set(long n, long rounds)
{
    struct itimerspec when = {.it_value = {0, 0}};
    for (long i = 0; i < rounds; i++) {
        when.it_value.tv_sec = 3600 + pick(n);
        if (timerfd_settime(fds[pick(n)], 0, &when, NULL) != 0)
            return false;
    }
    return true;
}

static bool do_posix_timer_set(long n, long rounds)
{
    struct itimerspec when = {.it_value = {0, 0}};
    for (long i = 0; i < rounds; i++) {
        when.it_value.tv_sec = 3600 + i;
        if (timer_settime(posix_timer[pick(n)], 0, &when, NULL) != 0)
            return false;
    }
    return true;
}

static bool do_lock_unlock(long n, long rounds)
{
    for (long i = 0; i < rounds; i++) {
        off_t at = 2 * pick(n);
        if (!set_lock(F_UNLCK, at) || !set_lock(F_WRLCK, at))
            return false;
    }
    return true;
}

/* A lock of another file, for which no thread waits. */
static bool do_lock_other(long n, long rounds)
{
    (void)n;
    for (long i = 0; i < rounds; i++)
        if (!set_lock(F_WRLCK, 0) || !set_lock(F_UNLCK, 0))
            return false;
    return true;
}

static bool do_flock_other(long n, long rounds)
{
    int fd = open("/tmp/unwaited", O_CREAT | O_RDWR, 0644);
    bool ok = fd >= 0;
    (void)n;
    for (long i = 0; ok && i < rounds; i++)
        ok = flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_UN) == 0;
    close(fd);
    return ok;
}

/* The lock that all wait for is released: one of them gets it. */
static bool do_lock_pass(long n, long rounds)
{
    eventfd_t count;
    bool ok = n > 0;
    for (long i = 0; ok && i < rounds; i++)
        ok = eventfd_write(gate, 1) == 0 && eventfd_read(passed, &count) == 0;
    return ok;
}

/* A lease of one more file. */
static bool do_lease(long n, long rounds)
{
    int fd = open("/tmp/lease", O_CREAT | O_RDWR, 0644);
    bool ok = fd >= 0;
    (void)n;
    for (long i = 0; ok && i < rounds; i++)
        ok = fcntl(fd, F_SETLEASE, F_WRLCK) == 0 && fcntl(fd, F_SETLEASE, F_UNLCK) == 0;
    close(fd);
    return ok;
}

static int pi_ball, pi_turn;

static void *pi_play(void *unused)
{
    (void)unused;
    for (;;) {
        await(&pi_turn, 1);
        syscall(SYS_futex, &pi_ball, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
        syscall(SYS_futex, &pi_ball, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
        throw_to(&pi_turn, 0);
    }
    return NULL;
}

/* A futex with priority inheritance that another thread waits for is given to it. */
static bool do_pi_handover(long n, long rounds)
{
    static bool made;
    pthread_t other;
    (void)n;
    made = made || start_thread(&other, pi_play, NULL);
    for (long i = 0; made && i < rounds; i++) {
        syscall(SYS_futex, &pi_ball, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
        throw_to(&pi_turn, 1);
        while (!(__atomic_load_n(&pi_ball, __ATOMIC_SEQ_CST) & INT32_MIN))
            sched_yield();
        syscall(SYS_futex, &pi_ball, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
        await(&pi_turn, 0);
    }
    return made;
}

/* Another process or thread by its id. */
static bool do_signal_none(long n, long rounds)
{
    for (long i = 0; i < rounds; i++)
        if (kill(child[pick(n)], 0) != 0)
            return false;
    return true;
}

/* The lowest free numbers: a hole among those in use, and one behind them. */
static bool do_open_in_hole(long n, long rounds)
{
    bool good = close(fds[0]) == 0;
    for (long i = 0; good && i < rounds; i++) {
        int low = dup(fds[n - 1]), behind = dup(fds[n - 1]);
        good = low >= 0 && behind >= 0 && close(low) == 0 && close(behind) == 0;
    }
    fds[0] = dup(fds[n - 1]);
    return good;
}

static bool do_connect(long n, long rounds)
{
    struct sockaddr_un name;
    bool good = true;
    for (long i = 0; good && i < rounds; i++) {
        long to = pick(n);
        socklen_t size = socket_name(&name, "growth", to);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        good = connect(fd, (struct sockaddr *)&name, size) == 0;
        int other = good ? accept(fds[to], NULL, NULL) : -1;
        close(fd);
        if (other >= 0)
            close(other);
    }
    return good;
}

static bool do_tcp_connect(long n, long rounds)
{
    struct linger reset = {1, 0};
    struct sockaddr_in at;
    bool good = true;
    for (long i = 0; good && i < rounds; i++) {
        long to = pick(n);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        good = at_port(&at, PORTS + to) && connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
        int other = good ? accept(fds[to], NULL, NULL) : -1;
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
        if (other >= 0)
            close(other);
    }
    return good;
}

static bool do_udp(long n, long rounds)
{
    struct sockaddr_in at;
    char byte = 0;
    bool good = true;
    for (long i = 0; good && i < rounds; i++) {
        long to = pick(n);
        good = at_port(&at, PORTS + to) &&
               sendto(fds[0], &byte, 1, 0, (struct sockaddr *)&at, sizeof at) == 1 &&
               recv(fds[to], &byte, 1, 0) == 1;
    }
    return good;
}

/* A byte through one of the connections. */
static bool do_tcp_byte(long n, long rounds)
{
    char byte = 0;
    bool good = true;
    for (long i = 0; good && i < rounds; i++) {
        long at = 1 + 2 * pick(n);
        good = write(fds[at], &byte, 1) == 1 && read(fds[at + 1], &byte, 1) == 1;
    }
    return good;
}

static bool do_stat(long n, long rounds)
{
    char name[64];
    struct stat status;
    for (long i = 0; i < rounds; i++) {
        file_name(name, sizeof name, "file", pick(n));
        if (stat(name, &status) != 0)
            return false;
    }
    return true;
}

static bool do_stat_absent(long n, long rounds)
{
    char name[64];
    struct stat status;
    for (long i = 0; i < rounds; i++) {
        file_name(name, sizeof name, "absent", pick(n));
        if (stat(name, &status) == 0)
            return false;
    }
    return true;
}

static bool do_create_unlink(long n, long rounds)
{
    (void)n;
    for (long i = 0; i < rounds; i++) {
        int fd = open(FOLDER "/new", O_CREAT | O_EXCL | O_WRONLY, 0644);
        if (fd < 0 || close(fd) != 0 || unlink(FOLDER "/new") != 0)
            return false;
    }
    return true;
}

/* The first names of a folder, as many as fit into a small buffer. */
static bool do_list_first(long n, long rounds)
{
    static char names[256];
    (void)n;
    for (long i = 0; i < rounds; i++) {
        int fd = open(FOLDER, O_RDONLY | O_DIRECTORY);
        if (fd < 0 || syscall(SYS_getdents64, fd, names, sizeof names) <= 0)
            return false;
        close(fd);
    }
    return true;
}

static bool do_watch_unwatch(long n, long rounds)
{
    char name[64];
    (void)n;
    file_name(name, sizeof name, "file", 0);
    for (long i = 0; i < rounds; i++) {
        int watch = inotify_add_watch(watched_folder, FOLDER, IN_CREATE);
        if (watch < 0 || inotify_rm_watch(watched_folder, watch) != 0)
            return false;
    }
    struct inotify_event *event = (struct inotify_event *)name;
    while (read(watched_folder, event, sizeof name) > 0) {
    }
    return true;
}

static bool do_vfork_wait(long n, long rounds)
{
    (void)n;
    for (volatile long i = 0; i < rounds; i++) {
        pid_t pid = vfork();
        if (pid == 0)
            _exit(0);
        if (pid < 0 || waitpid(pid, NULL, 0) != pid)
            return false;
    }
    return true;
}

static bool do_fork_wait(long n, long rounds)
{
    (void)n;
    for (long i = 0; i < rounds; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (pid < 0 || waitpid(pid, NULL, 0) != pid)
            return false;
    }
    return true;
}

/* A page of a file, one of whose pages is mapped if `mapped`, is removed and written again. */
static bool cut_and_write(long rounds, bool mapped)
{
    int fd = open("/tmp/cut", O_CREAT | O_RDWR, 0644);
    bool good = fd >= 0 && ftruncate(fd, 2 * PAGE) == 0;
    char *page = mapped ? mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE) : NULL;
    for (long i = 0; good && i < rounds; i++)
        good = pwrite(fd, "x", 1, PAGE) == 1 && (!mapped || *(volatile char *)page == 'x') &&
               ftruncate(fd, PAGE) == 0;
    if (mapped)
        munmap(page, PAGE);
    close(fd);
    return good;
}

static bool do_truncate(long n, long rounds)
{
    (void)n;
    return cut_and_write(rounds, false);
}

static bool do_truncate_mapped(long n, long rounds)
{
    (void)n;
    return cut_and_write(rounds, true);
}

static bool do_read_own_mem(long n, long rounds)
{
    static int fd = -1;
    char byte;
    fd = fd < 0 ? open("/proc/self/mem", O_RDONLY) : fd;
    for (long i = 0; i < rounds; i++)
        if (pread(fd, &byte, 1, (off_t)area[pick(n)]) != 1)
            return false;
    return true;
}

static bool do_mprotect(long n, long rounds)
{
    for (long i = 0; i < rounds; i++) {
        char *page = area[pick(n) & ~1L];
        if (mprotect(page, PAGE, PROT_NONE) != 0 ||
            mprotect(page, PAGE, PROT_READ | PROT_WRITE) != 0)
            return false;
    }
    return true;
}

static bool do_clock_set(long n, long rounds)
{
    struct timespec now;
    (void)n;
    for (long i = 0; i < rounds; i++)
        if (clock_gettime(CLOCK_REALTIME, &now) != 0 || clock_settime(CLOCK_REALTIME, &now) != 0)
            return false;
    return true;
}

static bool do_packet(long n, long rounds)
{
    char text[8];
    (void)n;
    for (long i = 0; i < rounds; i++)
        if (write(packets[1], "packet", 6) != 6 || read(packets[0], text, sizeof text) != 6)
            return false;
    return true;
}

static int condition, condition_lock, condition_turn;

static void *wait_for_condition(void *unused)
{
    (void)unused;
    for (;;) {
        await(&condition_turn, 1);
        syscall(SYS_futex, &condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL, &condition_lock, 0);
        syscall(SYS_futex, &condition_lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
        throw_to(&condition_turn, 0);
    }
    return NULL;
}

/* A thread that waits for a condition is moved to the lock that goes with it. */
static bool do_requeue_pi(long n, long rounds)
{
    static bool made;
    pthread_t other;
    (void)n;
    made = made || start_thread(&other, wait_for_condition, NULL);
    for (long i = 0; made && i < rounds; i++) {
        syscall(SYS_futex, &condition_lock, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
        throw_to(&condition_turn, 1);
        while (syscall(SYS_futex, &condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, 0, &condition_lock,
                       0) == 0)
            sched_yield();
        syscall(SYS_futex, &condition_lock, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
        await(&condition_turn, 0);
    }
    return made;
}
