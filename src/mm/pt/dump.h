/* SPDX-License-Identifier: MIT */
/*
 * The page tables as text: neighbouring leaves of one size, with equal permissions and in one
 * region, are one line. Leaves come in as paging_visit() hands them out.
 *
 *   start            end                  size leaf cpu flags      accessed    dirty  what
 *   0000000000401000-0000000000480000     508K   4K r-x ---          35/127    0/127  /bin/prog
 *   fffff90000000000-fffff90000001000       4K   4K rw- --- UC          1/1      1/1  devices
 *
 * cpu: what the CPU allows; all pages are readable. flags: c copied before the first write, u for
 * ring 3 too, g global; then the memory type, when it is not write-back. accessed, dirty: how many
 * of the leaves say so.
 *
 * Pure: memory is the caller's, and nothing is allocated while a visit holds the tables. A dump
 * without room only counts, so that the caller can come back with enough.
 */
#pragma once

#include "mm/pt/paging.h"

struct ptdump_run {
    struct virt_range range;
    int level;     /* of the leaves */
    uint64_t bits; /* of the entries: those that are equal in all of them */
    uint64_t leaves, accessed, dirty;
};

/* Where the region that v lies in ends; a run does not go on beyond. */
typedef virt_t (*ptdump_region_end)(virt_t v);

struct ptdump {
    struct ptdump_run *runs;
    size_t capacity;              /* runs[] has room for these */
    size_t count;                 /* runs that there are: may be more */
    ptdump_region_end region_end; /* NULL: all is one region */
    virt_t limit;                 /* of the last run */
    struct ptdump_run last;       /* a copy, when it has no room */
};

/* A pt_visitor; `dump` is a struct ptdump, zeroed but for runs, capacity and region_end. */
void ptdump_leaf(void *dump, virt_t at, int level, pte_t entry);

#define PTDUMP_LINE_MAX 128 /* bytes of a line without `what`, NUL included */

/* The line up to where `what` stands, without it and without a newline; at most size - 1 bytes. */
void ptdump_line(const struct ptdump_run *run, char *out, size_t size);
/* The same columns for the heading. */
const char *ptdump_heading(void);
