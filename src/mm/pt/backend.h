/* SPDX-License-Identifier: MIT */
/*
 * The interface of the five back ends. An entry holds a physical address, and the kernel uses
 * virtual ones; each back end is one way from an entry to the table that it points to:
 *
 *   recursive   the level-4 table is its own last level      mm/pt/recursive.c (and .h)
 *   physmap     all RAM is mapped at base + physical         mm/pt/physmap.c
 *   offset      table frames are mapped at base + physical   mm/pt/offset.c
 *   identity    table frames are mapped at their physical    mm/pt/identity.c
 *   temporary   a table is mapped while it is in use         mm/pt/temporary.c
 *
 * Boot starts with recursive, which needs no preparation, and uses it to start the chosen one.
 */
#pragma once

#include "base/compiler.h"
#include "mm/pt/access.h"
#include "mm/pt/recursive.h"
#include "parse/boot_info.h"

/* Boot's input for start(). */
struct pt_setup {
    const struct boot_info *boot;
    struct phys_range sealed; /* of the kernel image: must not be writable elsewhere */
    struct phys_range pool;   /* identity: frames reserved for it; else empty */
    unsigned arena;           /* offset: frames per arena, a power of two up to 512 */
    unsigned slots;           /* temporary: 1-64 */
    uint64_t tables;          /* existing tables, all of which will move */
    const char *complaint;    /* reason when start() returns E_RANGE */
};

struct pt_access {
    /* The table of `level` on the way to v; `parent` is the entry that points to it (level 4:
     * none). Held until put(). */
    pt_table_t (*table)(const struct address_space *space, int level, virt_t v, pte_t parent);
    /* Releases a table; NULL if the back end holds none. */
    void (*put)(pt_table_t table);
    /* The table of `level` for v was replaced or unlinked: flush its translations. */
    void (*relinked)(int level, virt_t v);
    /* Frames for tables. */
    bool (*alloc)(phys_t *out);
    void (*free)(phys_t frame);
    /* Access to a frame that is to become a table and is not linked yet. Held until put_unlinked(),
     * which may be NULL. */
    pt_table_t (*unlinked)(phys_t frame);
    void (*put_unlinked)(pt_table_t table);

    /* Prepares the back end, while `paging` is recursive. E_NOMEM; E_RANGE with a complaint if the
     * machine does not suit it. Boot; NULL for recursive. */
    enum err (*start)(struct pt_setup *setup);
    /* Tables must come from alloc(): those of boot are moved (mm/pt/move.c). */
    bool own_frames;
    /* Called when a part of the kernel image has become free memory. NULL: no action. */
    void (*image_freed)(struct phys_range range);
    /* Kernel addresses through which only the back end writes tables; empty if there are none, or
     * only the window. */
    struct virt_range reach;
    /* Free frames that only alloc() can use; NULL: none. */
    uint64_t (*idle)(void);
    /* Frames that the back end itself uses now; NULL: none. */
    uint64_t (*overhead)(void);
};

extern const struct paging_ops paging_recursive, paging_physmap, paging_offset, paging_identity,
    paging_temporary;

/* Slot of the program's window; 0 before it exists. */
extern unsigned pt_program_slot;

/* Flushes the page of a table in the program's window, after the table was added, changed or
 * removed. Any INVLPG also drops the paging-structure caches (SDM 3A 4.10.4.1). */
static inline void pt_flush_program_window(int level, virt_t v)
{
    pt_invalidate(virt(recursive_table(pt_program_slot, level, v)));
    paging_counters.table_flushes++;
}

/* Replaces the large leaf at `level` (2 or 3) that covers v with a table of smaller leaves that map
 * the same. E_NOMEM. For the walkers only, which hold no table meanwhile. */
MUST_CHECK enum err pt_split(struct address_space *space, virt_t v, int level);

/* pt_move_tables() copies each table into a frame of `to` and passes the old frame to `old`. Boot,
 * while `paging` is recursive. O(tables). */
uint64_t pt_count_tables(void);
MUST_CHECK enum err pt_move_tables(const struct pt_access *to, void (*old)(phys_t frame));
