/* SPDX-License-Identifier: MIT */
/* Traces of memory accesses, for a program that makes them and for the model of page replacement (test/unit/support/clock_model.h).
 * Pure: the n-th access of a trace over `pages` pages. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum trace {
    TRACE_LOOP,   /* all pages in turn: the worst case of LRU, FIFO and Clock */
    TRACE_HOT,    /* nine of ten accesses go to a quarter of the pages */
    TRACE_PHASES, /* four of five accesses go to a third of the pages, which moves on */
    TRACES,
};

static const char *const trace_names[TRACES] = {"loop", "hot", "phases"};

struct trace_state {
    enum trace trace;
    uint32_t pages;
    uint64_t step, random;
};

static inline struct trace_state trace_begin(enum trace trace, uint32_t pages)
{
    struct trace_state t = {trace, pages, 0, 88172645463325252u};
    return t;
}

static inline uint32_t trace_random(struct trace_state *t, uint32_t below)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    return (uint32_t)((t->random >> 20) % below);
}

/* The page of the next access; *write: it is a store. */
static inline uint32_t trace_next(struct trace_state *t, bool *write)
{
    uint64_t n = t->step++;
    uint32_t part = t->pages / 3, start;
    *write = trace_random(t, 4) == 0;
    switch (t->trace) {
    case TRACE_LOOP:
        return (uint32_t)(n % t->pages);
    case TRACE_HOT:
        part = t->pages / 4;
        /* Hot pages are every fourth, so that no order of addresses favours them. */
        return trace_random(t, 10) != 0 ? trace_random(t, part) * 4 : trace_random(t, t->pages);
    default:
        start = (uint32_t)(n / (part * UINT64_C(8)) * (part / 2) % t->pages);
        return trace_random(t, 5) != 0 ? (start + trace_random(t, part)) % t->pages
                                       : trace_random(t, t->pages);
    }
}

static inline int trace_find(const char *name)
{
    for (int i = 0; i < TRACES; i++)
        if (strcmp(trace_names[i], name) == 0)
            return i;
    return -1;
}
