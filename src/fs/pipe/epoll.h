/* SPDX-License-Identifier: MIT */
/*
 * epoll(7): a file that watches files.
 *
 * An item is a pair of descriptor number and open file, as in Linux; it is removed with the file's
 * last descriptor, not with the number. Files are polled when epoll_wait() is called; there is no
 * list of ready items. O(items) a call:
 *
 *     ready  =  poll(file) & requested events
 *     level:    reported while ready
 *     edge:     reported if ready and the file's wait queue was woken since the last report
 *               (wait_queue.wakes), or the item is new or changed
 *
 * A spurious wake-up causes a spurious edge-triggered report, which epoll(7) allows; no event is
 * missed. Reported items move to the end, so that busy files cannot starve the others.
 */
#pragma once

#include "fs/vfs/file.h"

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
 * not read for EPOLL_DELETE. */
MUST_CHECK enum err epoll_control(struct file *epoll, enum epoll_op op, int fd, struct file *file,
                                  const struct epoll_event *event);
/* True if an item is ready. Does not sleep. O(items). */
bool epoll_is_ready(struct file *epoll);
/* False: the event could not be stored. Must not sleep or change the epoll. */
typedef bool (*epoll_sink)(void *context, const struct epoll_event *event);
/* Reports up to `max` events, at most one an item. Returns their number. O(items). */
size_t epoll_take(struct file *epoll, size_t max, epoll_sink sink, void *context);
