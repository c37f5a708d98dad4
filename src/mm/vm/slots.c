/* SPDX-License-Identifier: MIT */
#include "mm/vm/slots.h"

#include "base/panic.h"

#define SLOT_FRAME   (SLOT_WRITING | SLOT_READING | SLOT_CACHED | SLOT_KEPT | SLOT_SAME)
#define SWEEP_LOOKED 65536 /* slots that slots_drop_kept() looks at in one call */

struct slots swap_slots;

static phys_t frame_of(const struct slot *slot)
{
    return phys((uint64_t)slot->frame << PAGE_SHIFT);
}

/* Sets the state, which may be SLOT_WANTED with another. */
static void set_state(struct slot *slot, unsigned state)
{
    slot->state = state & 127;
}

static void slot_use(struct slots *s, uint32_t slot)
{
    s->taken[slot / 64] |= UINT64_C(1) << slot % 64;
    s->used++;
}

/* The slot is free if nothing holds it. */
static void slot_settle(struct slots *s, uint32_t slot)
{
    if (s->slot[slot].references > 0 || s->slot[slot].state != 0)
        return;
    s->taken[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    s->used--;
}

COLD void slots_begin(struct slots *s, struct frames *frames, void *memory, uint32_t count)
{
    *s = (struct slots){.frames = frames, .slot = memory, .count = count, .next = 1, .sweep = 1};
    s->taken = (uint64_t *)(void *)(s->slot + count);
    slots_mark_bad(s, 0);
}

COLD void slots_mark_bad(struct slots *s, uint32_t slot)
{
    if (s->slot[slot].state & SLOT_BAD)
        return;
    set_state(&s->slot[slot], SLOT_BAD);
    s->taken[slot / 64] |= UINT64_C(1) << slot % 64;
    s->bad++;
}

/* The first slot in [from, end) that is taken, or is not; `end` if there is none. */
static uint32_t next_slot(const struct slots *s, uint32_t from, uint32_t end, bool taken)
{
    uint64_t turn = taken ? 0 : UINT64_MAX;
    while (from < end) {
        uint64_t bits = (s->taken[from / 64] ^ turn) >> from % 64;
        if (bits != 0) {
            from += (uint32_t)__builtin_ctzll(bits);
            break;
        }
        from = (from / 64 + 1) * 64;
    }
    return from < end ? from : end;
}

uint32_t slots_find_run(struct slots *s, uint32_t most, uint32_t *count)
{
    uint32_t first = next_slot(s, s->next, s->count, false);
    if (first == s->count)
        first = next_slot(s, 0, s->count, false);
    uint32_t end = s->count - first < most ? s->count : first + most;
    *count = next_slot(s, first, end, true) - first;
    s->next = first;
    return first;
}

bool slots_drop_kept(struct slots *s, uint32_t most)
{
    bool found = false;
    for (uint32_t looked = 0; s->kept > 0 && looked < SWEEP_LOOKED && most > 0; looked++) {
        uint32_t slot = s->sweep;
        s->sweep = slot + 1 < s->count ? slot + 1 : 1;
        if (!(s->slot[slot].state & (SLOT_KEPT | SLOT_SAME)))
            continue;
        frames_set_slot(s->frames, frame_of(&s->slot[slot]), 0);
        slots_forget(s, slot);
        found = true;
        most--;
    }
    return found;
}

void slots_begin_write(struct slots *s, uint32_t slot, phys_t frame)
{
    slot_use(s, slot);
    s->slot[slot] = (struct slot){(uint32_t)(frame.v >> PAGE_SHIFT), 1, SLOT_WRITING};
    frames_set_slot(s->frames, frame, slot); /* for the other leaves that have it */
    s->next = slot + 1 < s->count ? slot + 1 : 1;
}

static void slot_drop_frame(struct slots *s, uint32_t slot)
{
    if (s->slot[slot].state & SLOT_CACHED)
        s->cached--;
    set_state(&s->slot[slot], 0);
    frames_set_slot(s->frames, frame_of(&s->slot[slot]), 0);
    frames_put(s->frames, frame_of(&s->slot[slot]));
    slot_settle(s, slot);
}

/* The slot becomes CACHED; the slot that was that longest is on disk only. */
static void slot_cache(struct slots *s, uint32_t slot)
{
    uint32_t old = s->ring[s->ring_next];
    if (old != 0 && s->slot[old].state == SLOT_CACHED)
        slot_drop_frame(s, old);
    set_state(&s->slot[slot], SLOT_CACHED);
    s->cached++;
    s->ring[s->ring_next] = slot;
    s->ring_next = (s->ring_next + 1) % SLOTS_CACHED;
}

void slots_end_write(struct slots *s, uint32_t slot, bool lost)
{
    bool wanted = s->slot[slot].state & SLOT_WANTED;
    phys_t frame = frame_of(&s->slot[slot]);
    set_state(&s->slot[slot], 0);
    if (!lost && frames_references(s->frames, frame) > 1) { /* others have it still */
        set_state(&s->slot[slot], SLOT_SAME);
        s->kept++;
        frames_put(s->frames, frame);
        return;
    }
    frames_set_slot(s->frames, frame, 0);
    if (s->slot[slot].references == 0 || (!wanted && !lost)) {
        slot_drop_frame(s, slot);
    } else if (lost) { /* the device does not have it: it is not among those that are dropped */
        set_state(&s->slot[slot], SLOT_CACHED | SLOT_WANTED);
        s->cached++;
    } else {
        slot_cache(s, slot);
    }
}

void slots_begin_read(struct slots *s, uint32_t slot, phys_t frame)
{
    s->slot[slot].frame = (uint32_t)(frame.v >> PAGE_SHIFT);
    set_state(&s->slot[slot], SLOT_READING);
}

void slots_end_read(struct slots *s, uint32_t slot, bool failed)
{
    if (failed || s->slot[slot].references == 0)
        slot_drop_frame(s, slot);
    else
        slot_cache(s, slot);
}

bool slots_take(struct slots *s, uint32_t slot, bool keep, phys_t *out)
{
    struct slot *of = &s->slot[slot];
    bool lost = of->state & SLOT_WANTED;
    assert(of->state & SLOT_CACHED && of->references > 0);
    *out = frame_of(of);
    keep = keep && of->references == 1 && !lost;
    of->references--;
    s->cached--;
    set_state(of, keep ? SLOT_KEPT : 0);
    s->kept += keep;
    frames_set_slot(s->frames, *out, keep ? slot : 0);
    slot_settle(s, slot);
    return keep;
}

void slots_evict_kept(struct slots *s, uint32_t slot)
{
    assert(s->slot[slot].state & (SLOT_KEPT | SLOT_SAME));
    frames_set_slot(s->frames, frame_of(&s->slot[slot]), 0);
    set_state(&s->slot[slot], 0);
    s->slot[slot].references++;
    s->kept--;
}

void slots_evict_shared(struct slots *s, uint32_t slot)
{
    assert(s->slot[slot].state & (SLOT_KEPT | SLOT_SAME | SLOT_WRITING));
    if (s->slot[slot].state == SLOT_KEPT)
        set_state(&s->slot[slot], SLOT_SAME);
    s->slot[slot].references++;
}

void slots_forget(struct slots *s, uint32_t slot)
{
    assert(s->slot[slot].state & (SLOT_KEPT | SLOT_SAME));
    set_state(&s->slot[slot], 0);
    s->kept--;
    slot_settle(s, slot);
}

bool slots_drop_cached(struct slots *s)
{
    bool freed = false;
    for (unsigned i = 0; i < SLOTS_CACHED; i++) {
        uint32_t slot = s->ring[i];
        s->ring[i] = 0;
        if (slot == 0 || s->slot[slot].state != SLOT_CACHED)
            continue;
        slot_drop_frame(s, slot);
        freed = true;
    }
    return freed;
}

void slots_put(struct slots *s, uint32_t slot)
{
    struct slot *of = &s->slot[slot];
    assert(of->references > 0);
    if (--of->references > 0)
        return;
    if (of->state & SLOT_CACHED)
        slot_drop_frame(s, slot);
    else
        slot_settle(s, slot);
}

COLD void slots_check(const struct slots *s)
{
    uint32_t used = 0, bad = 0, kept = 0, cached = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct slot *slot = &s->slot[i];
        bool taken = s->taken[i / 64] >> i % 64 & 1;
        assert(taken == (slot->references > 0 || slot->state != 0));
        bad += slot->state == SLOT_BAD;
        used += taken && slot->state != SLOT_BAD;
        kept += (slot->state & (SLOT_KEPT | SLOT_SAME)) != 0;
        cached += (slot->state & SLOT_CACHED) != 0;
        assert(!(slot->state & (SLOT_KEPT | SLOT_SAME)) ||
               frames_slot(s->frames, frame_of(slot)) == i);
        assert(slot->state != SLOT_KEPT || slot->references == 0);
        assert(!(slot->state & SLOT_FRAME) || slot->frame != 0);
        assert(!(slot->state & SLOT_CACHED) || slot->references > 0);
    }
    assert(used == s->used && bad == s->bad && kept == s->kept && cached == s->cached);
}
