/* SPDX-License-Identifier: MIT */
/* The second scratch page of each CPU of several. */
#include "mm/pt/paging.h"
#include "mm/pt/table_frames.h"

void *memory_scratch_second(phys_t frame)
{
    virt_t page = memory_scratch_page(true);
    paging_replace(&kernel_space, page, frame, prot_rw());
    return ptr_of(page);
}
