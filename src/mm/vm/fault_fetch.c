/* SPDX-License-Identifier: MIT */
/* Pages that a device has, for faults that sleep. */
#include "mm/vm/areas_table.h"
#include "mm/vm/fault.h"
#include "mm/vm/slots.h"
#include "mm/vm/swap.h"

COLD enum fault_verdict fault_fetch(struct address_space *space, virt_t v, uint64_t error)
{
    bool done = true;
    if (swap_slots.count != 0) {
        enum fault_verdict verdict = swap_fetch(space, v, &done);
        if (!done)
            return verdict;
    }
    const struct area *a = areas_find(space, v);
    if (a == NULL || a->source == NULL || a->source->ops->fetch == NULL)
        return FAULT_RESOLVED; /* another thread has changed it */
    struct page_source *source = a->source;
    uint64_t index = (a->offset + (align_down(v.v, PAGE_SIZE) - a->range.start.v)) >> PAGE_SHIFT;
    bool for_write = (error & PF_WRITE) && (a->flags & AREA_SHARED);
    source->ops->get(source);
    enum err e = source->ops->fetch(source, index, for_write);
    source->ops->put(source);
    return e == E_AGAIN ? FAULT_RESOLVED : fault_verdict_of(e);
}
