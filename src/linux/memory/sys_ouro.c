/* SPDX-License-Identifier: MIT */
#include "linux/memory/sys_ouro.h"

#include "linux/memory/range.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"
#include "mm/pt/paging.h"
#include "mm/vm/usercopy.h"

enum { /* include/ouro/pagetable.h */
    OURO_ACCESSED = 1,
    OURO_DIRTY = 2,
};

/* The range is harvested in one piece: in parts, a large page across a boundary would be counted
 * twice and never cleared. */
enum err sys_ouro_harvest(struct syscall *call)
{
    struct address_space *space = space_current();
    uint64_t start = call->arg[0], size = call->arg[1], what = call->arg[2];
    virt_t to = virt(call->arg[3]);
    struct virt_range range;
    if (!is_aligned(start | size, PAGE_SIZE) || what == 0 ||
        what & ~(uint64_t)(OURO_ACCESSED | OURO_DIRTY) || !mem_range(start, size, &range))
        return E_INVAL;
    uint64_t bits = (what & OURO_ACCESSED ? PTE_A : 0) | (what & OURO_DIRTY ? PTE_D : 0);
    if (to.v == 0) {
        call->result = paging_harvest(space, range, bits, bits, NULL);
        return E_OK;
    }
    uint64_t bytes = ((size >> PAGE_SHIFT) + 63) / 64 * sizeof(uint64_t);
    enum err e = clear_out(to, bytes); /* check `to` before any bit is cleared */
    if (e != E_OK || bytes == 0)
        return e;
    uint64_t *bitmap = heap_alloc_zero(bytes);
    if (bitmap == NULL)
        return E_NOMEM;
    call->result = paging_harvest(space, range, bits, bits, bitmap);
    e = copy_out(to, bitmap, bytes);
    heap_free(bitmap);
    return e;
}
