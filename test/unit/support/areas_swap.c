/* SPDX-License-Identifier: MIT */
/*
 * Swap in the model of areas: a device of numbers. Each frame and each slot holds the number of what was last stored there, each
 * page of the model the number that it must read.
 */
#include "mm/vm/areas_table.h"
#include "mm/vm/clock.h"
#include "mm/vm/swap.h"

#include "areas_model_space.h"

#include <string.h>

#define SLOTS 700

static uint64_t arrays[(SLOTS * sizeof(struct slot) + (SLOTS + 63) / 64 * 8) / 8 + 1];
static uint32_t on_device[SLOTS], in_frame[MODEL_FRAMES], last;
unsigned model_evicted, model_clean, model_returned, model_lost;

static uint32_t *contents_of(phys_t frame)
{
    return &in_frame[frame.v >> PAGE_SHIFT];
}

static void model_forget_slot(uint32_t slot)
{
    slots_forget(&swap_slots, slot);
}

void swap_model_start(void)
{
    memset(arrays, 0, sizeof arrays);
    slots_begin(&swap_slots, &machine_frames, arrays, SLOTS);
    machine_frames.forget = model_forget_slot;
    swap_clock = (struct swap_clock){.ring = 0};
}

void swap_model_stored(struct model_page *m)
{
    m->contents = *contents_of(m->frame) = ++last;
}

/* ---- page tables ---- */

static uint64_t large_bits(const struct model_space *s, size_t page)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < LARGE_PAGES; i++)
        bits |= s->leaf[page + i].v & (PTE_A | PTE_D);
    return bits;
}

void paging_change(struct address_space *space, struct virt_range range, pt_changer change,
                   void *context)
{
    struct model_space *s = model_of(space);
    for (uint64_t v = range.start.v; v < range.end.v; v += PAGE_SIZE) {
        size_t page = (size_t)((v - MODEL_ARENA) >> PAGE_SHIFT), block = page / LARGE_PAGES;
        bool large = block < PAGES / LARGE_PAGES && s->large[block];
        pte_t e = s->leaf[page];
        if (e.v == 0 || (large && page % LARGE_PAGES != 0))
            continue;
        if (large)
            e.v |= large_bits(s, page);
        pte_t now = change(context, virt(v), large ? 2 : 1, e);
        MUST(!large || (now.v | PTE_A) == (e.v | PTE_A)); /* never swapped whole */
        for (size_t i = 0; large && !(now.v & PTE_A) && i < LARGE_PAGES; i++)
            s->leaf[page + i].v &= ~PTE_A;
        if (!large)
            s->leaf[page] = now;
    }
}

void paging_exchange(struct address_space *space, virt_t at, pte_t old, pte_t e)
{
    pte_t *leaf = &model_of(space)->leaf[(at.v - MODEL_ARENA) >> PAGE_SHIFT];
    MUST(leaf->v == old.v);
    *leaf = e;
}

pte_t paging_leaf_of_swapped(pte_t e, phys_t frame, prot_t prot, bool kept)
{
    return (pte_t){make_leaf(frame, prot).v | PTE_A | (e.v & PTE_WRITTEN) | (kept ? PTE_SLOT : 0)};
}

void *memory_scratch(phys_t frame)
{
    (void)frame;
    MUST(false); /* only copies of a page that several spaces have */
    return NULL;
}

/* ---- steps ---- */

/* Pages whose leaf has become a swapped entry. */
static void note_swapped(struct model_space *s, unsigned *count)
{
    for (size_t i = 0; i < PAGES; i++) {
        struct model_page *m = &s->page[i];
        if (!pt_swapped(s->leaf[i]) || m->swapped)
            continue;
        MUST(m->mapped && !m->copy && !(m->flags & (AREA_LOCKED | AREA_SHARED)));
        m->swapped = true;
        (*count)++;
    }
}

void swap_model_evict(void)
{
    struct clock_run run;
    unsigned swapped = 0;
    run.shared = model_random(2);
    run.slot = slots_find_run(&swap_slots, (uint32_t)model_random(CLOCK_RUN + 1), &run.room);
    if (run.room == 0 && model_random(2))
        (void)slots_drop_kept(&swap_slots, (uint32_t)model_random(100));
    (void)clock_evict(&run);
    for (size_t i = 0; i < MODEL_SPACES; i++)
        note_swapped(&model_spaces[i], &swapped);
    MUST(swapped == run.count + run.clean);
    model_evicted += run.count;
    model_clean += run.clean;
    bool lost = model_random(10) == 0;
    for (uint32_t i = 0; i < run.count; i++) {
        uint32_t slot = run.slot + i;
        if (model_random(8) == 0)
            slots_want(&swap_slots, slot);
        on_device[slot] = lost ? 0 : *contents_of(run.frame[i]);
        slots_end_write(&swap_slots, slot, lost);
        model_lost += lost;
    }
}

void swap_model_return(size_t page, bool write)
{
    struct model_page *m = &model_now->page[page];
    struct address_space *space = &model_now->space;
    const struct area *a = areas_find(space, model_address(page));
    phys_t frame;
    if (!m->swapped)
        return;
    pte_t entry = swap_entry(space, model_address(page));
    uint32_t slot = pt_swapped_slot(entry);
    MUST(entry.v == model_now->leaf[page].v && a != NULL);
    if (!slots_is_cached(&swap_slots, slot)) {
        MUST(swap_in(space, a, model_address(page), entry, write) == E_AGAIN);
        if (frames_alloc(&machine_frames, 0, &frame) != E_OK)
            return;
        slots_begin_read(&swap_slots, slot, frame);
        *contents_of(frame) = on_device[slot];
        bool failed = model_random(10) == 0;
        slots_end_read(&swap_slots, slot, failed);
        if (failed || model_random(4) == 0)
            return; /* read, and not asked for again */
    }
    MUST(swap_in(space, a, model_address(page), entry, write) == E_OK);
    model_returned++;
    m->swapped = false;
    m->frame = phys(model_now->leaf[page].v & PTE_ADDRESS);
    MUST(*contents_of(m->frame) == m->contents);
}

void swap_model_drop(void)
{
    if (model_random(2))
        (void)slots_drop_cached(&swap_slots);
    else
        (void)slots_drop_kept(&swap_slots, (uint32_t)model_random(20));
}

/* All swapped pages, by the function that the end of swapping uses. */
void swap_model_find_all(void)
{
    struct address_space *space = NULL;
    virt_t at = virt(0);
    size_t found = 0, expected = 0;
    do {
        if (!swap_next(&space, &at))
            continue;
        MUST(pt_swapped(model_of(space)->leaf[(at.v - MODEL_ARENA) >> PAGE_SHIFT]));
        found++;
        at.v += PAGE_SIZE;
    } while (space != NULL);
    for (size_t i = 0; i < MODEL_SPACES; i++)
        for (size_t page = 0; page < PAGES; page++)
            expected += model_spaces[i].page[page].swapped;
    MUST(found == expected);
}

/* ---- checks ---- */

void swap_model_check_page(struct model_space *s, size_t page)
{
    const struct model_page *m = &s->page[page];
    pte_t e = s->leaf[page];
    MUST(m->swapped == pt_swapped(e));
    if (!m->swapped) {
        if (m->mapped && !m->copy)
            MUST(*contents_of(m->frame) == m->contents);
        return;
    }
    uint32_t slot = pt_swapped_slot(e);
    MUST(m->mapped && slots_is_used(&swap_slots, slot));
    MUST((slots_is_cached(&swap_slots, slot) ? *contents_of(slots_frame(&swap_slots, slot))
                                             : on_device[slot]) == m->contents);
}
