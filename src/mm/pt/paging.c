/* SPDX-License-Identifier: MIT */
#include "mm/pt/paging.h"

#include "mm/pt/backend.h"

RO_AFTER_INIT const struct paging_ops *paging;
RO_AFTER_INIT bool paging_nx, paging_huge;
RO_AFTER_INIT uint64_t paging_reserved;
struct paging_counters paging_counters;
bool paging_holds_flushes;
struct address_space kernel_space, first_space, resting_space;
struct address_space *running_spaces[CPUS_MAX] = {&first_space};
struct address_space *leaving_spaces[CPUS_MAX];
RO_AFTER_INIT uint64_t paging_window, paging_program_window;
RO_AFTER_INIT struct virt_range paging_reserved_range;
RO_AFTER_INIT unsigned pt_program_slot;

bool paging_translate(const struct address_space *space, virt_t v, phys_t *out)
{
    struct pt_walk walk;
    paging_walk(space, v, &walk);
    if (walk.leaf_level == 0)
        return false;
    *out = walk.phys;
    return true;
}
