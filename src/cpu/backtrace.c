/* SPDX-License-Identifier: MIT */
#include "cpu/backtrace.h"

bool backtrace_step(const struct byte_reader *memory, uint64_t *rip, uint64_t *rsp, uint64_t *rbp)
{
    uint64_t link[2];
    if (*rbp == 0 || *rbp % 8 != 0 || *rbp < *rsp || !byte_read(memory, *rbp, link, sizeof link) ||
        link[1] == 0 || (link[0] != 0 && link[0] <= *rbp))
        return false;
    *rsp = *rbp + sizeof link;
    *rbp = link[0];
    *rip = link[1];
    return true;
}

void trace_start(struct trace *t)
{
    t->used = t->group = t->matched = 0;
    t->grouped = false;
    t->total = t->lost = 0;
}

static void append(struct trace *t, uint64_t rip, char how)
{
    if (t->used == TRACE_LINES)
        t->lost++;
    else
        t->frames[t->used++] = (struct trace_frame){rip, how, 1, 1};
}

static bool equal(const struct trace *t, unsigned a, unsigned b, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (t->frames[a + i].rip != t->frames[b + i].rip || t->frames[b + i].period != 1 ||
            t->frames[b + i].repeat != 1)
            return false;
    return true;
}

/* Ends the last group: the frames of its incomplete repetition become lines of their own. */
static void close_group(struct trace *t)
{
    unsigned matched = t->matched;
    t->grouped = false;
    t->matched = 0;
    for (unsigned i = 0; i < matched; i++)
        append(t, t->frames[t->group + i].rip, t->frames[t->group + i].how);
}

static void look_for_group(struct trace *t)
{
    for (unsigned p = 1; p <= TRACE_PERIOD_MAX && 2 * p <= t->used; p++) {
        unsigned first = t->used - 2 * p;
        if (!equal(t, first, first + p, p) || !equal(t, first, first, p))
            continue;
        t->used -= p;
        t->group = first;
        for (unsigned k = 1; k < p; k++)
            t->frames[first + k].period = 0;
        t->frames[first].period = (uint8_t)p;
        t->frames[first].repeat = 2;
        t->grouped = true;
        return;
    }
}

void trace_add(struct trace *t, uint64_t rip, char how)
{
    t->total++;
    if (t->grouped) {
        struct trace_frame *first = &t->frames[t->group];
        if (t->frames[t->group + t->matched].rip == rip) {
            if (++t->matched == first->period) {
                first->repeat++;
                t->matched = 0;
            }
            return;
        }
        close_group(t);
    }
    append(t, rip, how);
    if (t->lost == 0)
        look_for_group(t);
}

void trace_end(struct trace *t)
{
    if (t->grouped)
        close_group(t);
}
