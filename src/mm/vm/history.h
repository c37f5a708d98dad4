/* SPDX-License-Identifier: MIT */
/*
 * What was last done to the program's address space: a ring of the newest events, so that a fault
 * report can say "unmapped 3 ms ago by munmap(), called from free()". Written by the system calls,
 * read by reports.
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
    uint64_t rip;     /* of the program, behind its system call */
    uint64_t caller;  /* the word that was at its rsp: the return address of a plain wrapper */
    uint32_t thread;  /* number */
    uint16_t call;    /* number of the system call */
    uint8_t kind;
    prot_t prot;
};

/* The place of a new event, where the oldest was: for the caller to fill. Threads only. */
struct history_event *history_next(void);
/* The newest event that touches v, and is older than `before` (NULL: any). Callers: any. NULL:
 * none. */
const struct history_event *history_find(virt_t v, const struct history_event *before);
/* A new program starts: nothing that was is of interest. */
void history_clear(void);
