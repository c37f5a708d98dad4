/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes, collected while entries change and done once at the end.
 *
 * An operation first changes its entries, then ends its batch, and only then frees frames that may
 * still be reachable through an old translation.
 */
#pragma once

#include "cpu/cpus.h"
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

/* The CPUs besides this one that may have translations of the space: those that it runs on; of the kernel's half, all. */
static inline uint64_t pt_cpus_in(const struct address_space *space)
{
    uint64_t cpus = 0;
    __atomic_thread_fence(
        __ATOMIC_SEQ_CST); /* entries have changed before: a CPU that comes now sees the new ones */
    for (unsigned cpu = 0; cpu < cpus_online; cpu++)
        if (cpu != cpu_index() && (space == &kernel_space || running_spaces[cpu] == space ||
                                   leaving_spaces[cpu] == space))
            cpus |= UINT64_C(1) << cpu;
    return cpus;
}

/* Before a table is freed: no CPU walks it any more, and none shows it in a window. */
static inline void tlb_forget_table(const struct address_space *space)
{
    uint64_t cpus = pt_cpus_in(space);
    if (cpus != 0)
        cpu_flush_others(cpus, NULL, CPU_FLUSH_PAGES + 1);
}

/* The only place that drops translations of pages: of this CPU, and then of those that run the space. */
static inline void tlb_batch_end(const struct address_space *space, struct tlb_batch *batch)
{
    if (!SEVERAL_CPUS &&
        unlikely(paging_holds_flushes)) { /* of the kernel's half, others would miss them */
        batch->count = 0;
        return;
    }
    if (SEVERAL_CPUS && batch->count != 0) {
        uint64_t cpus = pt_cpus_in(space);
        if (cpus != 0)
            cpu_flush_others(cpus, batch->page, batch->count);
    }
    if (batch->count > TLB_BATCH_PAGES) {
        pt_invalidate_all();
        CPUS_ADD(paging_counters.full_flushes, 1);
    } else {
        for (unsigned i = 0; i < batch->count; i++)
            pt_invalidate(batch->page[i]);
        CPUS_ADD(paging_counters.page_flushes, batch->count);
    }
    batch->count = 0;
}
