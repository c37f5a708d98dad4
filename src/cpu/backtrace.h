/* SPDX-License-Identifier: MIT */
/*
 * A trace of return addresses: one step along frame pointers, and a list that shows a repeated
 * group of frames (recursion) as one line with a count. Pure.
 */
#pragma once

#include "base/byte_reader.h"

/* One frame up the chain: [rbp] is the caller's rbp, [rbp + 8] the return address. False, with
 * nothing changed, if the chain ends, does not rise or is misaligned, so that every chain ends. */
bool backtrace_step(const struct byte_reader *memory, uint64_t *rip, uint64_t *rsp, uint64_t *rbp);

#define TRACE_LINES      40
#define TRACE_PERIOD_MAX 4 /* longest cycle of functions that is recognized */

struct trace_frame {
    uint64_t rip;
    char how;        /* how the frame was found: a letter of the caller's */
    uint8_t period;  /* frames in the group that starts here; 0: inside a group */
    uint32_t repeat; /* repetitions of the group; 1: no group */
};

struct trace {
    struct trace_frame frames[TRACE_LINES];
    unsigned used;
    unsigned group;   /* first frame of the group at the end; valid while matched or grouped */
    unsigned matched; /* frames of the next repetition so far */
    bool grouped;     /* the last lines are a group, which may grow */
    uint32_t total;   /* frames seen */
    uint32_t lost;    /* frames not stored: the list was full */
};

void trace_start(struct trace *trace);
void trace_add(struct trace *trace, uint64_t rip, char how);
/* Call it after the last frame. */
void trace_end(struct trace *trace);
