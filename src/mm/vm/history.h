/* SPDX-License-Identifier: MIT */
/*
 * The last changes of the program's address space: a ring of events, so that a fault report can say
 * "unmapped 3 ms ago by munmap(), called from free()". Written by system calls, read by reports.
 */
#pragma once

#include "base/addr.h"
#include "mm/prot.h"

#include <stdbool.h>

enum history_kind {
    HISTORY_MAP = 1,
    HISTORY_UNMAP,
    HISTORY_PROTECT,
};

#define HISTORY_SIZE 128 /* events kept */

struct history_event {
    struct virt_range range;
    uint64_t time_ns; /* since boot */
    uint64_t rip;     /* of the program, after its system call */
    uint64_t caller; /* the word at its rsp: the return address, if a plain wrapper made the call */
    uint32_t thread; /* its id */
    uint16_t call;   /* number of the system call */
    uint8_t kind;
    prot_t prot;
};

/* The slot of a new event, which replaces the oldest; the caller fills it. Threads only. O(1). */
struct history_event *history_next(void);
/* The newest event that touches v and is older than `before` (NULL: any); NULL if none. Callers:
 * any. O(HISTORY_SIZE). */
const struct history_event *history_find(virt_t v, const struct history_event *before);
/* Forgets all events: a new program starts. */
void history_clear(void);
