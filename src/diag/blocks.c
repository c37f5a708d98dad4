/* SPDX-License-Identifier: MIT */
/* The blocks of malloc() that the registers point into. */
#include "diag/parts.h"
#include "mm/vm/areas.h"

/* The registers, and in the place of rip the fault address. r8 to r11 are left out: what free() leaves in them is not in use. */
#define POINTERS (X86_RIP + 1)

static bool may_be_heap(const struct area *a, const uint64_t *pointers)
{
    if (a->kind != AREA_ANONYMOUS || a->flags & (AREA_STACK | AREA_IMAGE) ||
        !prot_can_write(a->prot))
        return false;
    for (unsigned i = 0; i < POINTERS; i++)
        if (virt_range_contains(a->range, virt(pointers[i])))
            return true;
    return a->flags & AREA_HEAP;
}

void report_find_blocks(struct fault_facts *f)
{
    uint64_t pointers[POINTERS];
    struct malloc_block blocks[POINTERS] = {0};
    struct malloc_search search = {pointers, blocks, POINTERS, {0}};
    for (unsigned i = 0; i < POINTERS; i++)
        pointers[i] = i == X86_RSP || (i >= 8 && i < 12) ? 0 : f->registers[i];
    pointers[X86_RIP] = f->has_address ? f->address.v : 0;
    for (const struct area *a = areas_next(running_space, virt(0)); a != NULL;
         a = areas_next(running_space, a->range.end)) {
        if (a->flags & AREA_HEAP)
            f->heap = a->range;
        if (may_be_heap(a, pointers))
            malloc_heap_find(&report_memory, a->range, &search);
    }
    f->damage = search.damage;
    /* Pointers into blocks, that of the instruction's operand first; only if there are none, free()'s key, which may be left in
     * a register. */
    for (unsigned key = 0; key < 2 && f->block_count == 0; key++)
        for (unsigned n = 0; n < POINTERS && f->block_count < FAULT_BLOCKS; n++) {
            unsigned i = (f->insn.operand[0].base + n) % POINTERS;
            bool again = f->block_count > 0 && pointers[i] == f->blocks[0].value;
            if (blocks[i].freed && !again &&
                (pointers[i] - blocks[i].start >= blocks[i].size) == key)
                f->blocks[f->block_count++] = (struct fault_block){i, pointers[i], blocks[i]};
        }
}
