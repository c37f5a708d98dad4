/* SPDX-License-Identifier: MIT */
/*
 * A trace of return addresses: one step by frame pointers, and the list in which a recursion of a
 * thousand equal frames is one line with a count. Pure.
 */
#pragma once

#include "base/byte_reader.h"

/* One frame up the chain: [rbp] is the caller's rbp, [rbp + 8] the return address. False, with
 * nothing changed, where the chain ends, does not rise or is misaligned, so no chain makes a caller
 * loop. */
bool backtrace_step(const struct byte_reader *memory, uint64_t *rip, uint64_t *rsp, uint64_t *rbp);

#define TRACE_LINES      40
#define TRACE_PERIOD_MAX 4 /* functions that call each other in a circle */

struct trace_frame {
    uint64_t rip;
    char how;        /* how it was found: the caller's letter */
    uint8_t period;  /* the frames from here on, this many (0: one of those), ... */
    uint32_t repeat; /* ... came this often; 1 for all others */
};

struct trace {
    struct trace_frame frames[TRACE_LINES];
    unsigned used;
    unsigned group;   /* index of the first frame of the group at the end; valid while matched or
                         grouped */
    unsigned matched; /* frames that arrived and equal the group's first ones */
    bool grouped;     /* the last lines are a group, which may grow */
    uint32_t total;   /* frames seen */
    uint32_t lost;    /* frames that found no room */
};

void trace_start(struct trace *trace);
void trace_add(struct trace *trace, uint64_t rip, char how);
/* To be called after the last frame. */
void trace_end(struct trace *trace);
