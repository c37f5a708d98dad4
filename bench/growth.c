/* SPDX-License-Identifier: MIT */
/*
 * growth [shrink=N] [divide=N] [only=CROWD]... [end=1]: the cost of an operation beside more and more of something.
 * A crowd is what there is much of: sleeping threads, areas, files. It grows to four sizes, and at each
 * the operations that could depend on it are timed:
 *
 *     figure OPERATION_SIZE ns VALUE
 *
 * shrink=N divides the sizes except the first, divide=N the rounds of each operation; end=1: ends instead
 * of waiting for the machine's end.
 */
#define _GNU_SOURCE
#include "crowd.h"

#include <dirent.h>
#include <errno.h>
#include <sys/resource.h>

#define SIZES     4
#define WORKS     8
#define SETTLE_US 20000 /* for the last thread of a crowd to fall asleep */

/* ---- operations: each is done `rounds` times beside a crowd of n; false: the system lacks it ---- */

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

/* ---- the table ---- */

static const struct crowd {
    const char *name;
    long size[SIZES];
    bool (*add)(long i);
    void (*end)(void);
    struct {
        const char *name;
        bool (*work)(long n, long rounds);
        long rounds;
    } work[WORKS];
} crowds[] = {
    {"poll",
     {0, 30, 300, 1000},
     add_poller,
     end_sleepers,
     {{"pipe_beside_poll", do_pipe_roundtrip, 1000}}},
    {"epoll",
     {0, 30, 300, 1000},
     add_epoller,
     end_sleepers,
     {{"pipe_beside_epoll", do_pipe_roundtrip, 1000}}},
    {"read",
     {0, 30, 300, 1000},
     add_reader,
     end_sleepers,
     {{"pipe_beside_read", do_pipe_roundtrip, 1000},
      {"thread_create_join", do_thread_create_join, 100}}},
    {"futex",
     {0, 30, 300, 1000},
     add_futex_waiter,
     end_sleepers,
     {{"pipe_beside_futex", do_pipe_roundtrip, 1000},
      {"futex_roundtrip", do_futex_roundtrip, 1000}}},
    {"watched",
     {1, 100, 1000, 10000},
     add_watched,
     end_fds,
     {{"epoll_one_ready", do_epoll_one_ready, 1000},
      {"epoll_add_remove", do_epoll_add_remove, 1000}}},
    {"watchers",
     {1, 30, 300, 3000},
     add_watcher,
     end_fds,
     {{"read_watched", do_read_watched, 2000}}},
    {"descriptors",
     {10, 100, 1000, 10000},
     add_descriptor,
     end_fds,
     {{"open_close", do_open_close, 1000}, {"open_in_hole", do_open_in_hole, 1000}}},
    {"timers", {1, 100, 1000, 10000}, add_timer, end_fds, {{"timer_set", do_timer_set, 1000}}},
    {"posix_timers",
     {1, 10, 100, 1000},
     add_posix_timer,
     end_posix_timers,
     {{"posix_timer_set", do_posix_timer_set, 500}}},
    {"listeners", {1, 30, 300, 3000}, add_listener, end_fds, {{"connect_accept", do_connect, 500}}},
    {"processes",
     {1, 30, 300, 1000},
     add_process,
     end_processes,
     {{"vfork_wait", do_vfork_wait, 100}, {"signal_none", do_signal_none, 1000}}},
    {"forked",
     {1, 10, 100, 300},
     add_forked,
     end_processes,
     {{"fork_wait", do_fork_wait, 100}, {"truncate_beside", do_truncate_mapped, 500}}},
    {"packets", {1, 16, 64, 250}, add_packet, end_packets, {{"packet", do_packet, 1000}}},
    {"realtime",
     {1, 30, 300, 1000},
     add_realtime_sleeper,
     end_sleepers,
     {{"clock_set", do_clock_set, 300}}},
    {"locks", {1, 100, 1000, 10000}, add_lock, end_locks, {{"lock_unlock", do_lock_unlock, 1000}}},
    {"lock_waiters",
     {1, 30, 300, 1000},
     add_lock_waiter,
     end_lock_waiters,
     {{"lock_other", do_lock_other, 500}}},
    {"flock_waiters",
     {1, 30, 300, 1000},
     add_flock_waiter,
     end_flock_waiters,
     {{"flock_other", do_flock_other, 500}}},
    {"pi_waiters",
     {1, 30, 300, 1000},
     add_pi_waiter,
     end_pi_waiters,
     {{"pi_handover", do_pi_handover, 500}, {"requeue_pi", do_requeue_pi, 500}}},
    {"pi_common",
     {1, 30, 300, 1000},
     add_common_pi_waiter,
     end_pi_waiters,
     {{"pi_handover_common", do_pi_handover, 500}}},
    {"files",
     {10, 300, 3000, 30000},
     add_file,
     NULL,
     {{"stat_file", do_stat, 1000},
      {"stat_absent", do_stat_absent, 1000},
      {"create_unlink", do_create_unlink, 500},
      {"list_first", do_list_first, 500}}},
    {"inotify", {1, 30, 300, 3000}, add_inotify, NULL, {{"watch_unwatch", do_watch_unwatch, 500}}},
    {"areas",
     {10, 300, 3000, 30000},
     add_area,
     NULL,
     {{"mmap_touch_munmap", do_mmap_touch_munmap, 1000},
      {"drop_and_fault", do_drop_and_fault, 1000},
      {"mprotect", do_mprotect, 500},
      {"truncate", do_truncate, 500},
      {"truncate_mapped", do_truncate_mapped, 500},
      {"read_own_mem", do_read_own_mem, 500},
      {"proc_self_stat", do_proc_self_stat, 30},
      {"proc_self_statm", do_proc_self_statm, 30}}},
};

static void measure(const struct crowd *crowd, long size, long divide)
{
    for (size_t w = 0; w < WORKS && crowd->work[w].work != NULL; w++) {
        char name[48];
        long rounds = crowd->work[w].rounds / divide + 1;
        snprintf(name, sizeof name, "%s_%ld", crowd->work[w].name, size);
        bool good = crowd->work[w].work(size, rounds / 8 + 1); /* warms up */
        uint64_t from = now_ns();
        good = good && crowd->work[w].work(size, rounds);
        uint64_t to = now_ns();
        if (good)
            figure(name, "ns", (double)(to - from) / (double)rounds);
        else
            figure_absent(name, "ns");
    }
}

static void grow(const struct crowd *crowd, long shrink, long divide)
{
    long have = 0;
    for (size_t s = 0; s < SIZES; s++) {
        long size = s == 0 || crowd->size[s] / shrink < crowd->size[0] ? crowd->size[0]
                                                                       : crowd->size[s] / shrink;
        for (; have < size; have++) {
            if (crowd->add(have))
                continue;
            printf("%s: no more than %ld of %ld: %s\n", crowd->name, have, size, strerror(errno));
            crowd->end ? crowd->end() : (void)0;
            return;
        }
        usleep(SETTLE_US);
        measure(crowd, size, divide);
    }
    if (crowd->end)
        crowd->end();
}

int main(int argc, char **argv)
{
    const struct rlimit limit = {FDS_MAX + 1000, FDS_MAX + 1000};
    bench_start();
    setrlimit(RLIMIT_NOFILE, &limit);
    long shrink = argument(argc, argv, "shrink", 1), divide = argument(argc, argv, "divide", 1);
    for (size_t i = 0; i < sizeof crowds / sizeof crowds[0]; i++)
        if (chosen(argc, argv, crowds[i].name))
            grow(&crowds[i], shrink, divide);
    if (argument(argc, argv, "end", 0))
        return 0;
    bench_done();
}
