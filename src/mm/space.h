/* SPDX-License-Identifier: MIT */
/*
 * An address space: one level-4 table and what is known about its half for programs. It is the first
 * argument of all that works on one: paging_*(), areas_*(), fault_resolve().
 *
 *                 level-4 table            areas
 *   kernel_space   slots 256-511            none           heap, stacks, devices: the same in every space
 *   first_space    slots 0-255              the program's  and the kernel's half again
 *
 * A structure only: mm/pt/ and mm/vm/ each own the members that stand under their name. Threads only;
 * the kernel is not preempted.
 */
#pragma once

#include "base/addr.h"
#include "base/gap_tree.h"

#include <stdbool.h>
#include <stddef.h>

struct area;
struct area_node;

struct address_space {
    /* mm/pt/ */
    phys_t root;    /* the level-4 table; 0 while boot makes it */
    virt_t emptied; /* the one place of the program's half where unmap left empty tables; 0: none */

    /* mm/vm/ */
    struct gap_tree areas; /* by address, of struct area_node */
    size_t area_count;
    struct area *area_last;  /* what areas_search() last said, checked before it is used again */
    struct area_node *spare; /* nodes that areas_reserve() and merging left, linked by link.next */
    size_t spare_count;
    uint64_t bytes, peak;       /* sum of the areas' sizes, now and at most */
    virt_t mmap_base;           /* areas_find_hole() searches downwards from here */
    bool lazyfree;              /* there may be pages that the shrinker finds */
    struct address_space *next; /* in the list of areas_init() */
};

/* The kernel's half, which is the same in all spaces. It has no areas. */
extern struct address_space kernel_space;
/* That of the first program: the machine's, since its level-4 table is the one that boot made. */
extern struct address_space first_space;
/* The one whose level-4 table CR3 names. */
extern struct address_space *running_space;
