/* SPDX-License-Identifier: MIT */
/*
 * A small machine for tests of page tables: the simulated MMU with 16 MiB, on which the kernel's back
 * ends run, including their initialization.
 *
 *   frame 1            the level-4 table that boot made
 *   2-1023             tables of the back ends that take any frame
 *   1024-2623          machine_frames, in four places: the arenas of pagetables=offset
 *   3072-3327          the pool of pagetables=identity
 *   3500-3509          the sealed part of the kernel image
 *   from 1 GiB on      frames that tests map but do not read: outside the machine's memory
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

/* Starts an empty machine with this back end. `slots` is for PAGING_TEMPORARY. */
void world_start_with(enum paging_kind kind, unsigned slots);
void world_start(enum paging_kind kind);
/* Makes another space, with the running space's kernel half, and only the back end's own mappings in
 * the program's half. One at a time. */
struct address_space *world_second_space(void);
/* Loads CR3, unless the space runs already. */
void world_run(struct address_space *space);
/* Number of frames that are allocated as page tables, except those by which the back end reaches
 * them. */
uint64_t world_tables(void);
/* Checks that allocator and walker count as many tables as after world_start(). */
void world_assert_no_tables(void);
/* Only `more` tables can be allocated from now on; a negative number ends this. */
void world_limit(long more);

/* The entry of `level` for v, read without the walker. */
pte_t world_entry(int level, virt_t v);
void world_set_entry(int level, virt_t v, pte_t e);
/* A checksum of the translations of a range in a space, from an independent walk over physical memory;
 * and from paging_visit(). */
uint64_t world_digest_of(const struct address_space *space, struct virt_range range);
uint64_t world_visit_digest(const struct address_space *space, struct virt_range range);
