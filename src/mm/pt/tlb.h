/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes, collected while entries change and done once at the end.
 *
 * An operation first changes its entries, then ends its batch, and only then frees frames that may
 * still be reachable through an old translation.
 */
#pragma once

#include "mm/pt/access.h"

/* Above so many pages the whole TLB is flushed (SDM 3A 4.10.4.1 permits either). Measured under
 * QEMU's TCG: an INVLPG takes 370 cycles of the TSC; a full flush, with 128 other pages touched
 * again, takes as long as 100 of them. */
#define TLB_BATCH_PAGES 64

struct tlb_batch {
    /* Pages whose translation changed; those above TLB_BATCH_PAGES are not stored. */
    unsigned count;
    virt_t page[TLB_BATCH_PAGES];
};

static inline void tlb_batch_add(struct tlb_batch *batch, virt_t page)
{
    if (batch->count < TLB_BATCH_PAGES)
        batch->page[batch->count] = page;
    batch->count++;
}

/* The only place that drops translations of pages. With more than one CPU it would also have to
 * send shootdowns and wait for their completion. */
static inline void tlb_batch_end(struct tlb_batch *batch)
{
    if (unlikely(paging_holds_flushes)) {
        batch->count = 0;
        return;
    }
    if (batch->count > TLB_BATCH_PAGES) {
        pt_invalidate_all();
        paging_counters.full_flushes++;
    } else {
        for (unsigned i = 0; i < batch->count; i++)
            pt_invalidate(batch->page[i]);
        paging_counters.page_flushes += batch->count;
    }
    batch->count = 0;
}
