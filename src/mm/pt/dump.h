/* SPDX-License-Identifier: MIT */
/*
 * The page tables as text: adjacent leaves of one size, with equal permissions and in one region,
 * form one line. The leaves come from paging_visit().
 *
 *   start            end                  size leaf cpu flags      accessed    dirty  what
 *   0000000000401000-0000000000480000     508K   4K r-x ---          35/127    0/127  /bin/prog
 *   fffff90000000000-fffff90000001000       4K   4K rw- --- UC          1/1      1/1  devices
 *
 * cpu: the rights in effect; all pages are readable. flags: c copy-on-write, u accessible to ring
 * 3, g global; then the memory type, unless write-back. accessed, dirty: the number of leaves with
 * the bit set.
 *
 * Pure: memory is the caller's, and nothing is allocated while a visit holds the tables. Runs
 * beyond the capacity are only counted, so that the caller can retry with enough.
 */
#pragma once

#include "mm/pt/paging.h"

struct ptdump_run {
    struct virt_range range;
    int level;     /* of the leaves */
    uint64_t bits; /* of the entries: the bits that are equal in all of them */
    uint64_t leaves, accessed, dirty;
};

/* End of the region that v lies in; a run does not extend beyond it. */
typedef virt_t (*ptdump_region_end)(virt_t v);

struct ptdump {
    struct ptdump_run *runs;
    size_t capacity;              /* size of runs[] */
    size_t count;                 /* number of runs; may exceed the capacity */
    ptdump_region_end region_end; /* NULL: one region */
    virt_t limit;                 /* end of the last run's region */
    struct ptdump_run last;       /* a copy, in case it exceeds the capacity */
};

/* A pt_visitor. `dump` is a struct ptdump, zero except for runs, capacity and region_end. */
void ptdump_leaf(void *dump, virt_t at, int level, pte_t entry);

#define PTDUMP_LINE_MAX 128 /* bytes of a line without `what`, NUL included */

/* Formats the line up to the column `what`, without newline; at most size - 1 bytes. */
void ptdump_line(const struct ptdump_run *run, char *out, size_t size);
/* The heading of these columns. */
const char *ptdump_heading(void);
