/* SPDX-License-Identifier: MIT */
/*
 * epoll(7): a file that watches files.
 *
 * An item is a pair of descriptor number and open file, as in Linux; it goes away with the file's
 * last descriptor, not with the number. Readiness is asked of the file when somebody waits; nothing
 * is queued while nobody does:
 *
 *     ready  =  poll(file) & asked
 *     level:    reported as long as it is ready
 *     edge:     reported when it is ready and the file's wait queue was woken since the last report
 *               (wait_queue.wakes), or the item is new or changed
 *
 * A wake-up that changed nothing costs an edge-triggered watcher one report too many, which epoll(7)
 * allows; none is ever missed. Items that were reported move behind the others, so that a few busy
 * files cannot starve the rest.
 */
#pragma once

#include "fs/vfs/file.h"

#define EPOLL_EXCLUSIVE (1u << 28)
#define EPOLL_WAKEUP    (1u << 29)
#define EPOLL_ONESHOT   (1u << 30)
#define EPOLL_EDGE      (1u << 31)

struct epoll_event { /* as the program has it: 12 bytes */
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
/* E_EXIST, E_NOENT, E_PERM for files that are always ready, E_INVAL, E_LOOP, E_NOMEM. `event` is not
 * read for EPOLL_DELETE. */
MUST_CHECK enum err epoll_control(struct file *epoll, enum epoll_op op, int fd, struct file *file,
                                  const struct epoll_event *event);
/* Is there something to report? Does not sleep. */
bool epoll_is_ready(struct file *epoll);
/* False: it could not be reported. Must not sleep or change the epoll. */
typedef bool (*epoll_sink)(void *context, const struct epoll_event *event);
/* Reports up to `max` events, each file once, and counts them as reported; how many. */
size_t epoll_take(struct file *epoll, size_t max, epoll_sink sink, void *context);
