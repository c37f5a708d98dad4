/* SPDX-License-Identifier: MIT */
/*
 * An address space (Linux: mm_struct): one level-4 table and the state of its program half. It is
 * the first argument of all functions that work on one: paging_*(), areas_*(), fault_resolve().
 *
 *                 level-4 table            areas
 *   kernel_space   slots 256-511            none           heap, stacks, devices: the same in every space
 *   first_space    slots 0-255              the program's  and the kernel's half again
 *   others         slots 0-255              a fork's, or those of a program that it executes
 *
 * A structure only: mm/pt/ and mm/vm/ each own the members under their name. Callers: threads; the
 * kernel is not preempted.
 */
#pragma once

#include "base/addr.h"
#include "base/gap_tree.h"
#include "base/list.h"
#include "cpu/cpus.h"

#include <stdbool.h>
#include <stddef.h>

struct area;
struct area_node;

/* The areas of one program in a space, and what they hold; its address is the program's name. Kept
 * by mm/vm/ with each change, so that reading it is O(1). Guards are not counted. */
struct area_owner {
    uint64_t bytes, peak; /* sum of the areas' sizes, now and at most */
    uint64_t sizes[32];   /* the same by AREA_SIZE_FLAGS and AREA_SIZE_PROT */
    uint64_t pages[3];    /* mapped now, by enum area_pages; the zero page does not count */
    uint64_t swapped;     /* pages in slots (mm/vm/swap.h), not among those */
    uint64_t pages_peak;  /* the greatest sum of them before something was unmapped */
    uint32_t audit;       /* the number of the last areas_check() */
};

struct address_space {
    /* mm/pt/ */
    phys_t root;    /* the level-4 table; 0 early in boot */
    virt_t emptied; /* an address in the program's half whose tables unmap left empty; 0: none */

    /* mm/vm/ */
    struct gap_tree areas; /* by address, of struct area_node */
    size_t area_count;
    struct area *area_last;  /* last result of areas_search(), a hint */
    struct area_node *spare; /* unused nodes, linked by link.next */
    size_t spare_count;
    uint64_t bytes;            /* sum of the areas' sizes */
    struct area_owner unowned; /* of areas that belong to no program */
    virt_t mmap_base;          /* areas_find_hole() searches downwards from here */
    bool lazyfree;             /* there may be MADV_FREE pages */
    bool lazyfree_found;       /* in this turn of the shrinker round the space */
    virt_t lazyfree_at;        /* up to which it has come */
    struct list link;          /* in the list of areas_init() */

    struct short_lock
        lock;          /* of faults that share kernel_lock: tables, pages of owners, area_last */
    uint32_t programs; /* in it: linux/task/program.c */
};

/* The kernel's half, the same in all spaces. It has no areas. */
extern struct address_space kernel_space;
/* The first program's space; its level-4 table is the one that boot made. Stays for ever: kernel threads may run in it. */
extern struct address_space first_space;
/* The space whose level-4 table is in CR3 of this CPU. */
extern struct address_space *running_spaces[CPUS_MAX];
#define running_space (running_spaces[cpu_index()])
/* Of several CPUs: the space that a CPU is about to leave, which the CPU may still use; NULL: none. */
extern struct address_space *leaving_spaces[CPUS_MAX];
/* Of several CPUs: nothing but the kernel's half. Kernel threads and idle CPUs are in it, so that no program waits for them
 * when it changes its tables. */
extern struct address_space resting_space;
