/* SPDX-License-Identifier: MIT */
/*
 * A small machine for tests of page tables: the simulated MMU with 16 MiB, on which the kernel's own
 * back ends run, from their set-up on.
 *
 *   frame 1            the level-4 table that boot made
 *   2-1023             tables of the back ends that take any frame
 *   1024-2623          machine_frames, in four places: the arenas of pagetables=offset
 *   3072-3327          the pool of pagetables=identity
 *   3500-3509          the sealed part of the kernel image
 *   from 1 GiB on      frames that tests map and nobody reads: outside the machine's memory
 */
#pragma once

#include "mm/pt/paging.h"

#include "sim_mmu.h"

#define WORLD_SLOT    300 /* of the kernel's window */
#define WORLD_PROGRAM 301 /* of the program's */
#define WORLD_POOL    UINT64_C(0xc00000)
#define WORLD_SEALED  (UINT64_C(3500) << 12)
#define WORLD_DATA    UINT64_C(0x40000000)

extern const char *const world_names[PAGING_KINDS];

/* An empty machine on which this back end has taken over. `slots` is for PAGING_TEMPORARY. */
void world_start_with(enum paging_kind kind, unsigned slots);
void world_start(enum paging_kind kind);
/* Another space, with nothing in the program's half but what the back end needs there, and that half
 * of the kernel's that the running space has. One at a time. */
struct address_space *world_second_space(void);
/* Loads CR3, unless the space runs already. */
void world_run(struct address_space *space);
/* Frames that are page tables, as whoever hands them out sees it; those by which the back end reaches
 * them are not counted. */
uint64_t world_tables(void);
/* There are as many as world_start() left, and the walker counts the same. */
void world_assert_no_tables(void);
/* Only so many tables can be had from now on; a negative number ends that. */
void world_limit(long more);

/* The entry of `level` for v, past the walker. */
pte_t world_entry(int level, virt_t v);
void world_set_entry(int level, virt_t v, pte_t e);
/* A number for what [start, end) translates to in a space, from a walk over physical memory that is
 * not the walker's; and from paging_visit(). */
uint64_t world_digest_of(const struct address_space *space, struct virt_range range);
uint64_t world_visit_digest(const struct address_space *space, struct virt_range range);
