/* SPDX-License-Identifier: MIT */
/*
 * The five ways to reach a page table. Entries hold physical addresses, and the kernel runs on
 * virtual ones; each back end is one answer to how it comes from an entry to the table behind it:
 *
 *   recursive   the level-4 table is its own last level      mm/pt/recursive.c (and .h)
 *   physmap     all RAM is mapped at base + physical         mm/pt/physmap.c
 *   offset      table frames are mapped at base + physical   mm/pt/offset.c
 *   identity    table frames are mapped at their physical    mm/pt/identity.c
 *   temporary   a table is mapped while it is looked at      mm/pt/temporary.c
 *
 * Boot starts with the first, which needs nothing, and sets the chosen one up through it.
 */
#pragma once

#include "base/compiler.h"
#include "mm/pt/access.h"
#include "mm/pt/recursive.h"
#include "parse/boot_info.h"

/* What boot knows when it sets a back end up. */
struct pt_setup {
    const struct boot_info *boot;
    struct phys_range sealed; /* of the kernel image: must not be writable elsewhere either */
    struct phys_range pool;   /* identity: frames that are nobody else's; else empty */
    unsigned arena;           /* offset: frames of an arena, a power of two up to 512 */
    unsigned slots;           /* temporary: 1-64 */
    uint64_t tables;          /* that exist by now, all of which will be moved */
    const char *complaint;    /* why start() said E_RANGE */
};

struct pt_access {
    /* The table of `level` on the way to v; `parent` is the entry that points to it (level 4: none).
     * Held until put() gets it. */
    pt_table_t (*table)(const struct address_space *space, int level, virt_t v, pte_t parent);
    /* NULL where a table needs no giving back. */
    void (*put)(pt_table_t table);
    /* The table of `level` for v was replaced or unlinked. */
    void (*relinked)(int level, virt_t v);
    /* Frames for tables. */
    bool (*alloc)(phys_t *out);
    void (*free)(phys_t frame);
    /* A frame that is not linked yet, as a table; held until put_unlinked(), NULL as put(), gets it. */
    pt_table_t (*unlinked)(phys_t frame);
    void (*put_unlinked)(pt_table_t table);

    /* Builds what the back end needs, while `paging` is the recursive one. E_NOMEM; E_RANGE with a
     * complaint where the machine is not made for it. Boot only; NULL for recursive. */
    enum err (*start)(struct pt_setup *setup);
    /* Tables must come from alloc(), so those that boot made move (mm/pt/move.c). */
    bool own_frames;
    /* This part of the kernel image came free: it is memory like any other now. NULL: nothing to do. */
    void (*image_freed)(struct phys_range range);
    /* Kernel addresses through which it writes tables and nobody else may; empty: none, or the
     * window. */
    struct virt_range reach;
    /* Frames that alloc() could hand out at once, and nobody else can; NULL: none. */
    uint64_t (*idle)(void);
    /* Frames that it needs by itself to reach the tables, a number that rises and falls; NULL: none. */
    uint64_t (*overhead)(void);
};

extern const struct paging_ops paging_recursive, paging_physmap, paging_offset, paging_identity,
    paging_temporary;

/* The slot of the program's window; 0 before it is known. */
extern unsigned pt_program_slot;

/* Each back end's duty when a table came, changed or went: where programs see it. Any INVLPG drops
 * the paging-structure caches, too (SDM 3A 4.10.4.1). */
static inline void pt_flush_program_window(int level, virt_t v)
{
    pt_invalidate(virt(recursive_table(pt_program_slot, level, v)));
    paging_counters.table_flushes++;
}

/* Replaces the large leaf at `level` (2 or 3) that covers v by a table of smaller leaves that map
 * the same; E_NOMEM. The walkers' own: they hold no table while they call it. */
MUST_CHECK enum err pt_split(struct address_space *space, virt_t v, int level);

/* Number of tables, and: copies each into a frame of `to` and hands the old one to `old`. Boot only,
 * while `paging` is the recursive one. */
uint64_t pt_count_tables(void);
MUST_CHECK enum err pt_move_tables(const struct pt_access *to, void (*old)(phys_t frame));
