/* SPDX-License-Identifier: MIT */
#include "mm/vm/clock.h"

#include "mm/vm/areas_table.h"

struct swap_clock swap_clock;

/* Private memory that is not locked: its pages may be evicted. */
static bool is_evictable(const struct area *a)
{
    return a->kind != AREA_GUARD && !(a->flags & (AREA_SHARED | AREA_LOCKED));
}

/* Moves the hand to the next piece of memory that may be evicted, in the space that runs then, and returns its area. NULL: not found
 * yet. */
static struct area *hand_next(struct clock_hand *hand, struct virt_range *piece)
{
    if (hand->space == NULL) {
        hand->space = areas_space_after(NULL);
        hand->at = virt(0);
        hand->turns++;
    }
    struct area *a = areas_first_above(hand->space, hand->at);
    for (unsigned i = 0; a != NULL && !is_evictable(a); i++) {
        if (i == AREAS_PIECE_AREAS) {
            hand->at = a->range.start;
            return NULL;
        }
        a = area_above(a);
    }
    if (a == NULL) {
        hand->space = areas_space_after(hand->space);
        hand->at = virt(0);
        return NULL;
    }
    if (hand->at.v < a->range.start.v)
        hand->at = a->range.start;
    paging_run(hand->space);
    *piece = areas_piece_of(hand->space, (struct virt_range){hand->at, a->range.end}, 1);
    return a;
}

/* True for a page that is the area's own, in memory. */
static bool is_own_page(pte_t e)
{
    return !pt_swapped(e) && !pt_leaf_is_borrowed(e);
}

static pte_t clear_accessed(void *context, virt_t at, int level, pte_t e)
{
    struct swap_clock *clock = context;
    (void)at;
    if (!is_own_page(e))
        return e;
    clock->front.pages += pt_span(level) >> PAGE_SHIFT;
    clock->cleared += (e.v & PTE_A) != 0;
    return (pte_t){e.v & ~PTE_A};
}

static void front_step(struct swap_clock *clock)
{
    struct virt_range piece;
    if (hand_next(&clock->front, &piece) == NULL)
        return;
    paging_change(clock->front.space, piece, clear_accessed, clock);
    clock->front.at = piece.end;
}

struct eviction {
    struct swap_clock *clock;
    struct clock_run *run;
    const struct area *area;
    bool any;     /* also pages that are used */
    virt_t stop;  /* the page that did not fit any more; 0: none */
    virt_t large; /* a large page that is to be split; 0: none */
    unsigned freed;
    phys_t clean[CLOCK_RUN]; /* frames that are free after the flush */
};

/* True if the frame's slot holds the page of this leaf. */
static bool slot_is_good(uint32_t slot, pte_t leaf)
{
    if (slot != 0 && (slots_is_same(&swap_slots, slot) || slots_is_busy(&swap_slots, slot)))
        return leaf.v & PTE_COW; /* not written since the frame got the slot */
    return slot != 0 && (leaf.v & (PTE_SLOT | PTE_D)) == PTE_SLOT;
}

/* Gives the page a slot. False: there is no room. */
static bool evict_page(struct eviction *ev, phys_t frame, pte_t e, uint32_t *out)
{
    struct clock_run *run = ev->run;
    uint32_t kept = frames_slot(&machine_frames, frame);
    if (slot_is_good(kept, e)) {
        if (ev->freed == CLOCK_RUN)
            return false;
        if (frames_references(&machine_frames, frame) != 1)
            slots_evict_shared(&swap_slots, kept);
        else
            slots_evict_kept(&swap_slots, kept);
        ev->clean[ev->freed++] = frame;
        *out = kept;
        return true;
    }
    if (run->count == run->room)
        return false;
    slots_forget_frame(&swap_slots, frame);
    *out = run->slot + run->count;
    slots_begin_write(&swap_slots, *out, frame);
    run->frame[run->count++] = frame;
    return true;
}

static pte_t evict_entry(void *context, virt_t at, int level, pte_t e)
{
    struct eviction *ev = context;
    uint32_t slot;
    if (ev->stop.v != 0 || ev->large.v != 0 || !is_own_page(e))
        return e;
    phys_t frame = pt_leaf_frame(e, pt_span(level));
    bool used = e.v & PTE_A && !ev->any, shared = ev->run->shared && e.v & PTE_FORKED;
    bool pinned = frames_references(&machine_frames, frame) != 1 && !shared;
    if (level > 1 && !used && (shared || frames_are_own(&machine_frames, frame, pt_span(level)))) {
        ev->large = at;
        return e;
    }
    ev->clock->back.pages += pt_span(level) >> PAGE_SHIFT;
    ev->clock->spared += used;
    /* What MADV_FREE has marked is the shrinker's. */
    if (used || pinned || level > 1 || paging_is_lazyfree(e))
        return e;
    if (!evict_page(ev, frame, e, &slot)) {
        if (ev->run->room > 0 ||
            ev->freed == CLOCK_RUN) { /* else the device is full: only clean pages go */
            ev->clock->back.pages--;
            ev->stop = at;
        }
        return e;
    }
    areas_count_swapped(ev->area, 1);
    ev->clock->evicted++;
    return pt_swap_entry(slot, e);
}

/* Splits a large page, so that the hand finds its small pages next. Without memory for that, the hand passes over it. */
static void evict_split(struct swap_clock *clock, virt_t at)
{
    if (areas_cut_large(clock->back.space, virt(at.v + PAGE_SIZE)) == E_OK) {
        clock->splits++;
        clock->back.at = at;
    } else {
        clock->back.at = virt(at.v + LARGE_SIZE);
    }
}

/* Evicts from the piece under the back hand, which the area covers, and moves the hand on. */
static void evict_piece(struct swap_clock *clock, struct area *a, struct virt_range piece,
                        struct clock_run *run, bool any)
{
    struct eviction ev;
    ev.clock = clock;
    ev.run = run;
    ev.area = a;
    ev.any = any;
    ev.stop = ev.large = virt(0);
    ev.freed = 0;
    a->owner->pages_peak = areas_peak_pages(a->owner);
    paging_change(clock->back.space, piece, evict_entry, &ev);
    for (unsigned i = 0; i < ev.freed; i++)
        frames_put(&machine_frames, ev.clean[i]);
    run->clean += ev.freed;
    clock->clean += ev.freed;
    clock->back.at = ev.stop.v != 0 ? ev.stop : piece.end;
    if (ev.large.v != 0)
        evict_split(clock, ev.large);
}

static void back_step(struct swap_clock *clock, struct clock_run *run)
{
    struct virt_range piece;
    uint64_t turns = clock->back.turns;
    struct area *a = hand_next(&clock->back, &piece);
    if (clock->back.turns != turns) {
        clock->ring = clock->back.pages - clock->began;
        clock->began = clock->back.pages;
    }
    if (a != NULL)
        evict_piece(clock, a, piece, run, false);
}

/* The pages between the hands: a quarter of memory, or half of what there is to evict if that is less. */
static uint64_t hands_apart(const struct swap_clock *clock)
{
    uint64_t quarter = machine_frames.total_frames / 4;
    return clock->ring != 0 && clock->ring / 2 < quarter ? clock->ring / 2 : quarter;
}

bool clock_evict(struct clock_run *run)
{
    struct swap_clock *clock = &swap_clock;
    struct address_space *before = running_space;
    run->count = run->clean = 0;
    for (unsigned steps = 0; steps < CLOCK_STEPS; steps++) {
        /* Pages come and go, so that the distance is never exact. One turn ahead is the most. */
        if (clock->front.pages - clock->back.pages < hands_apart(clock) &&
            clock->front.turns <= clock->back.turns + 1) {
            front_step(clock);
            continue;
        }
        if (clock->front.pages < clock->back.pages)
            clock->front.pages = clock->back.pages;
        back_step(clock, run);
        if ((run->room > 0 && run->count == run->room) || run->clean >= CLOCK_RUN)
            break;
    }
    paging_run(before);
    return run->count + run->clean > 0;
}

COLD virt_t clock_page_out(struct address_space *space, struct virt_range range,
                           struct clock_run *run)
{
    struct swap_clock *clock = &swap_clock, own = {.back = {.space = space}};
    struct area *a = areas_first_above(space, range.start);
    run->count = run->clean = 0;
    if (a == NULL || !virt_range_overlaps(a->range, range) || !is_evictable(a))
        return range.end;
    evict_piece(&own, a, areas_piece_of(space, virt_range_intersection(a->range, range), 1), run,
                true);
    clock->evicted += own.evicted;
    clock->clean += own.clean;
    clock->splits += own.splits;
    return own.back.at;
}

COLD void clock_cool(struct address_space *space, struct virt_range range)
{
    struct swap_clock own = {.cleared = 0};
    paging_change(space, range, clear_accessed, &own);
}

static void hand_forget(struct clock_hand *hand, const struct address_space *space)
{
    if (hand->space != space)
        return;
    hand->space = areas_space_after(space);
    hand->at = virt(0);
}

COLD void clock_forget(const struct address_space *space)
{
    hand_forget(&swap_clock.front, space);
    hand_forget(&swap_clock.back, space);
}
