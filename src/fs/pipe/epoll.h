/* SPDX-License-Identifier: MIT */
/*
 * epoll(7): a file that watches files.
 *
 * An item is a pair of descriptor number and open file, as in Linux; it is removed with the file's
 * last descriptor, not with the number. It has an entry in each queue of its file that concerns the
 * requested events (file_queues()). A wake-up of such a queue puts the item into the epoll's ready
 * list; only items there are polled:
 *
 *     ready  =  poll(file) & requested events
 *     level:    reported, and stays in the list until it is found not ready
 *     edge:     reported, and leaves the list: the next wake-up puts it back
 *
 *     file's queues ---wake---> item ---> epoll->ready ---> epoll_take()
 *                                   \---> wakes one thread in epoll_wait(), and what watches the epoll
 *
 * Reported items move to the end, so that busy files cannot starve the others.
 *
 * Costs, with n items: adding, changing, removing O(1), once in a while O(n) when the table grows;
 * adding among nested epolls O(their items); a wake-up O(paths to epolls that nothing watches); epoll_take() O(items in the ready list); closing a file O(its items).
 *
 * Locks: class_sched guards the ready list and the entries, since interrupts wake queues; kernel_lock
 * the rest.
 */
#pragma once

#include "fs/vfs/file.h"
#include "kern/wait.h"

#define EPOLL_EXCLUSIVE (1u << 28)
#define EPOLL_WAKEUP    (1u << 29)
#define EPOLL_ONESHOT   (1u << 30)
#define EPOLL_EDGE      (1u << 31)

struct epoll_event { /* Linux's layout: 12 bytes */
    uint32_t events;
    uint64_t data;
} PACKED;

enum epoll_op {
    EPOLL_ADD = 1,
    EPOLL_DELETE = 2,
    EPOLL_MODIFY = 3,
};

/* *out: one reference. E_NOMEM. */
MUST_CHECK enum err epoll_open(struct file **out);
bool epoll_is(const struct file *file);
/* epoll_ctl(2). E_EXIST, E_NOENT, E_PERM (file without poll), E_INVAL, E_LOOP, E_NOMEM. `event` is
 * not read for EPOLL_DELETE. Among nested epolls E_INVAL also if the file, or one below it, would wake epolls by more paths
 * than Linux allows, or if there are so many that the call would take milliseconds. */
MUST_CHECK enum err epoll_control(struct file *epoll, enum epoll_op op, int fd, struct file *file,
                                  const struct epoll_event *event);
/* The file of the item of `fd` that comes behind `offset` others of that number; NULL: there is none. Borrowed. O(items). */
const struct file *epoll_watched(const struct file *file, int fd, uint32_t offset);
/* Sleeps until the ready list has an item; its file may not be ready any more. E_INTR, E_TIMEDOUT. */
MUST_CHECK enum err epoll_sleep(struct file *epoll, uint64_t deadline_ns);
/* False: the event could not be stored. Must not sleep or change the epoll. */
typedef bool (*epoll_sink)(void *context, const struct epoll_event *event);
/* Reports up to `max` events, at most one an item. Returns their number. O(items in the ready list). */
size_t epoll_take(struct file *epoll, size_t max, epoll_sink sink, void *context);
