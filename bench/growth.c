/* SPDX-License-Identifier: MIT */
/*
 * growth [disks=1] [shrink=N] [divide=N] [only=CROWD]... [end=1]: the cost of an operation beside more and more of something.
 * A crowd is what there is much of: sleeping threads, areas, files. It grows to four sizes, and at each
 * the operations that could depend on it are timed:
 *
 *     figure OPERATION_SIZE ns VALUE
 *
 * disks=1: the crowds on disks, with the time of the program's threads on the CPU; without it the others, with the time of the clock.
 * shrink=N divides the sizes except the first, divide=N the rounds of each operation; end=1: ends instead
 * of waiting for the machine's end.
 */
#define _GNU_SOURCE
#include "crowd_ipc.h"
#include "stored.h"

#include <errno.h>
#include <sys/resource.h>

#define SIZES     4
#define WORKS     8
#define SETTLE_US 20000 /* for the last thread of a crowd to fall asleep */

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
    {"tcp_listeners",
     {1, 30, 300, 3000},
     add_tcp_listener,
     end_fds,
     {{"tcp_connect", do_tcp_connect, 300}}},
    {"connections", {1, 30, 300, 3000}, add_connection, end_fds, {{"tcp_byte", do_tcp_byte, 500}}},
    {"udp_sockets", {1, 30, 300, 3000}, add_udp_socket, end_fds, {{"udp_datagram", do_udp, 500}}},
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
    {"ipc",
     {1, 30, 300, 3000},
     add_object,
     end_objects,
     {{"shm_attach", do_shm_attach, 300},
      {"sem_op", do_sem_op, 500},
      {"msg_turn", do_msg_turn, 500}}},
    {"queues", {1, 16, 64, 250}, add_queue, end_queues, {{"queue_turn", do_queue_turn, 500}}},
    {"pidfds", {1, 30, 300, 3000}, add_pidfd, end_fds, {{"pidfd_use", do_pidfd_use, 500}}},
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
     end_passers,
     {{"lock_other", do_lock_other, 500}, {"lock_pass", do_lock_pass, 100}}},
    {"flock_waiters",
     {1, 30, 300, 1000},
     add_flock_waiter,
     end_passers,
     {{"flock_other", do_flock_other, 500}, {"flock_pass", do_lock_pass, 100}}},
    {"leases", {1, 30, 300, 3000}, add_lease, end_fds, {{"lease", do_lease, 500}}},
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
    {"mounts",
     {1, 30, 300, 1000},
     add_mount,
     end_mounts,
     {{"stat_mounted", do_stat_mounted, 1000}, {"mount_umount", do_mount_umount, 200}}},
    {"binds",
     {1, 30, 300, 3000},
     add_bind,
     end_mounts,
     {{"stat_bound", do_stat_mounted, 1000}, {"bind_umount", do_bind_umount, 200}}},
};

static const struct crowd on_disks[] = {
    {"stored",
     {10, 300, 3000, 30000},
     add_stored,
     NULL,
     {{"stat_stored", do_stat_stored, 1000},
      {"create_unlink_stored", do_create_unlink_stored, 500},
      {"mkdir_rmdir_stored", do_mkdir_rmdir_stored, 500}}},
    {"dirty",
     {1, 50, 500, 5000},
     add_dirty,
     NULL,
     {{"write_dirty", do_write_dirty, 1000}, {"sync_other", do_sync_other, 100}}},
    {"requests",
     {1, 8, 32, 128},
     add_direct_reader,
     NULL,
     {{"read_direct", do_read_direct, 20000}}},
    {"swapped",
     {1, 100, 1000, SWAPPED_MAX},
     add_swapped,
     end_swapped,
     {{"swap_in_out", do_swap_in_out, 1000},
      {"mmap_touch_munmap_swapped", do_mmap_touch_munmap, 1000}}},
};

static clockid_t clock_used = CLOCK_MONOTONIC;

static double clock_ns(void)
{
    struct timespec t;
    clock_gettime(clock_used, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void measure(const struct crowd *crowd, long size, long divide)
{
    for (size_t w = 0; w < WORKS && crowd->work[w].work != NULL; w++) {
        char name[48];
        long rounds = crowd->work[w].rounds / divide + 1;
        snprintf(name, sizeof name, "%s_%ld", crowd->work[w].name, size);
        bool good = crowd->work[w].work(size, rounds / 8 + 1); /* warms up */
        double from = clock_ns();
        good = good && crowd->work[w].work(size, rounds);
        if (good)
            figure(name, "ns", (clock_ns() - from) / (double)rounds);
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
    bool disks = argument(argc, argv, "disks", 0) != 0;
    const struct crowd *some = disks ? on_disks : crowds;
    size_t count = disks ? sizeof on_disks / sizeof on_disks[0] : sizeof crowds / sizeof crowds[0];
    if (disks)
        clock_used = CLOCK_PROCESS_CPUTIME_ID;
    for (size_t i = 0; i < count; i++)
        if (chosen(argc, argv, some[i].name))
            grow(&some[i], shrink, divide);
    if (argument(argc, argv, "end", 0))
        return 0;
    bench_done();
}
