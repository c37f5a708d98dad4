/* SPDX-License-Identifier: MIT */
#include "mm/pt/paging.h"

#include "mm/pt/backend.h"

RO_AFTER_INIT const struct paging_ops *paging;
RO_AFTER_INIT bool paging_nx, paging_huge;
RO_AFTER_INIT uint64_t paging_reserved;
struct paging_counters paging_counters;
RO_AFTER_INIT uint64_t paging_window, paging_program_window;
RO_AFTER_INIT struct virt_range paging_reserved_range;
RO_AFTER_INIT phys_t pt_root_table;
RO_AFTER_INIT unsigned pt_program_slot;

bool paging_translate(virt_t v, phys_t *out)
{
    struct pt_walk walk;
    paging_walk(v, &walk);
    if (walk.leaf_level == 0)
        return false;
    *out = walk.phys;
    return true;
}
