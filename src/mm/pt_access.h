/* SPDX-License-Identifier: MIT */
/* How a back end reaches the tables: what mm/paging_shared.c, the operations that are not worth a
 * copy for each back end, gets from it; and what boot needs to set one up. */
#pragma once

#include "base/compiler.h"
#include "mm/pt_memory.h"

struct pt_access {
    /* The table of `level` on the way to v; `parent` is the entry that points to it (level 4: none).
     * Held until put() gets it. */
    pt_table_t (*table)(int level, virt_t v, pte_t parent);
    /* NULL where a table needs no giving back. */
    void (*put)(pt_table_t table);
    /* The table of `level` for v was replaced or unlinked. */
    void (*relinked)(int level, virt_t v);
    /* Frames for tables. */
    bool (*alloc)(phys_t *out);
    void (*free)(phys_t frame);
    /* A frame that is not linked yet, as a table; held until put() gets it. */
    pt_table_t (*unlinked)(phys_t frame);
};

extern const struct paging_ops paging_recursive;

/* Replaces the large leaf at `level` (2 or 3) that covers v by a table of smaller leaves that map
 * the same; E_NOMEM. The walkers' own: they hold no table while they call it. */
MUST_CHECK enum err pt_split(virt_t v, int level);
