/* SPDX-License-Identifier: MIT */
/* What the memory of a machine with several CPUs has besides. */
#include "mm/pt/paging.h"
#include "mm/pt/table_frames.h"

struct address_space *leaving_spaces[CPUS_MAX];
struct address_space resting_space;

void *memory_scratch_second(phys_t frame)
{
    virt_t page = memory_scratch_page(true);
    paging_replace(&kernel_space, page, frame, prot_rw());
    return ptr_of(page);
}
