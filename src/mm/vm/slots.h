/* SPDX-License-Identifier: MIT */
/*
 * The slots of the swap device: pages of it, by number. Slot 0 is the device's header. Pure.
 *
 *     state         begins by                  ends by                   then
 *     WRITING       slots_begin_write()        slots_end_write()         on the device only; if a fault waits for it CACHED, if other leaves
 *                                                                        have the frame SAME
 *     READING       slots_begin_read()         slots_end_read()          CACHED
 *     CACHED        slots_end_read()           slots_take()              KEPT, or the slot has a reference less
 *     KEPT, SAME    slots_take(), a write      slots_evict_kept()        on the device only
 *                                              slots_forget()            no copy any more
 *
 *   WRITING, READING   the device has the frame; who wants the page waits
 *   CACHED             the frame holds the page, and no space has it: the next fault takes it
 *   SAME               leaves that fork() has shared have the frame, which holds the same as the slot as long as they are copy-on-write.
 *                      The only state with a frame that may have references, too: a fault maps the frame, shared
 *   KEPT               a leaf has the frame, which holds the same as the slot for as long as the leaf has
 *                      PTE_SLOT and not PTE_D. The frame knows the slot (struct frame.slot)
 *
 * References are those of swapped entries in page tables; KEPT has none; KEPT and SAME hold the slot too. A slot is free if it has neither
 * references nor a state. Costs are O(1) where nothing else is said. Callers: threads, under kernel_lock.
 */
#pragma once

#include "base/compiler.h"
#include "mm/phys/frames.h"

#include <stdbool.h>
#include <stdint.h>

enum slot_state {
    SLOT_WRITING = 1,
    SLOT_READING = 2,
    SLOT_CACHED = 4,
    SLOT_KEPT = 8,
    SLOT_BAD = 16,    /* the header, and what it names as bad */
    SLOT_WANTED = 32, /* of WRITING: becomes CACHED; of CACHED: the device does not have it */
    SLOT_SAME = 64,
};

struct slot {
    uint32_t frame; /* number; with any of the first four states */
    uint32_t references : 25;
    uint32_t state : 7; /* enum slot_state */
};

#define SLOTS_CACHED 64 /* CACHED by reading ahead, at most: the oldest is dropped for another */

struct slots {
    struct frames *frames;
    struct slot *slot;
    uint64_t *taken; /* bits by slot */
    uint32_t count;  /* 0: there is no device */
    uint32_t used;   /* not free; without bad ones */
    uint32_t bad;
    uint32_t kept;                          /* KEPT or SAME */
    uint32_t next;                          /* where the next run is looked for */
    uint32_t sweep;                         /* where slots_drop_kept() goes on */
    uint32_t ring[SLOTS_CACHED], ring_next; /* slots that were CACHED; 0: none */
    uint32_t cached;                        /* CACHED now */
};

/* The machine's. */
extern struct slots swap_slots;

/* Bytes of the arrays of slots_begin(). */
static inline uint64_t slots_bytes(uint32_t count)
{
    return (uint64_t)count * sizeof(struct slot) + ((uint64_t)count + 63) / 64 * sizeof(uint64_t);
}
/* `memory`: slots_bytes() zeros. Slot 0 is bad. */
void slots_begin(struct slots *s, struct frames *frames, void *memory, uint32_t count);
void slots_mark_bad(struct slots *s, uint32_t slot);

/* A run of free slots, at most `most`: the first, and *count of them, 0 if there is none. Nothing is taken yet. Next fit.
 * O(slots / 64). */
uint32_t slots_find_run(struct slots *s, uint32_t most, uint32_t *count);
/* Drops up to `most` states KEPT and SAME, so that slots without references are free. False: there is none. O(slots looked at), at most 65,536. */
bool slots_drop_kept(struct slots *s, uint32_t most);

/* A free slot gets a reference, and the caller's reference to the frame, which is being written. */
void slots_begin_write(struct slots *s, uint32_t slot, phys_t frame);
/* The frame is on the device (or, with `lost`, could not be written, and stays CACHED): drops it unless it is wanted. */
void slots_end_write(struct slots *s, uint32_t slot, bool lost);
/* The page is to be read into the frame, whose reference goes to the slot. */
void slots_begin_read(struct slots *s, uint32_t slot, phys_t frame);
/* CACHED; with `failed` the slot is as before the reading. May drop the frame of another CACHED slot. */
void slots_end_read(struct slots *s, uint32_t slot, bool failed);
/* A fault takes the frame of a CACHED slot, for an entry that is swapped no more, with the reference to it. With `keep`, and if no
 * other entry has the slot, it becomes KEPT: true. */
bool slots_take(struct slots *s, uint32_t slot, bool keep, phys_t *out);
/* A page that several leaves have is evicted from one of them: its slot, which is KEPT, SAME or WRITING, gets a reference; KEPT becomes SAME. The
 * leaf's reference to the frame goes to the caller. */
void slots_evict_shared(struct slots *s, uint32_t slot);
/* The page of a KEPT or SAME slot is evicted without a write: the slot gets a reference, the frame goes to the caller. */
void slots_evict_kept(struct slots *s, uint32_t slot);
/* The frame is no longer what its slot holds, or has been freed. */
void slots_forget(struct slots *s, uint32_t slot);
/* As slots_forget() for the slot of a frame, if it has one. */
static inline void slots_forget_frame(struct slots *s, phys_t frame)
{
    uint32_t slot = frames_slot(s->frames, frame);
    if (slot == 0)
        return;
    frames_set_slot(s->frames, frame, 0);
    slots_forget(s, slot);
}
/* Drops the frames of the CACHED slots with a copy on the device: true if there was one. O(SLOTS_CACHED). */
bool slots_drop_cached(struct slots *s);

/* References of entries. */
static inline void slots_get(struct slots *s, uint32_t slot)
{
    s->slot[slot].references++;
}
void slots_put(struct slots *s, uint32_t slot);

/* True if the number is one that an entry may have. */
static inline bool slots_is_used(const struct slots *s, uint64_t slot)
{
    return slot < s->count && s->slot[slot].references > 0;
}
static inline bool slots_is_busy(const struct slots *s, uint32_t slot)
{
    return s->slot[slot].state & (SLOT_WRITING | SLOT_READING);
}
static inline bool slots_is_cached(const struct slots *s, uint32_t slot)
{
    return s->slot[slot].state & SLOT_CACHED;
}
/* True if the slot is CACHED because it could not be written: the device does not have the page. */
static inline bool slots_is_lost(const struct slots *s, uint32_t slot)
{
    return s->slot[slot].state == (SLOT_CACHED | SLOT_WANTED);
}
/* True if the frame is that of other leaves: mapped copy-on-write. */
static inline bool slots_is_same(const struct slots *s, uint32_t slot)
{
    return s->slot[slot].state == SLOT_SAME;
}
static inline phys_t slots_frame(const struct slots *s, uint32_t slot)
{
    return phys((uint64_t)s->slot[slot].frame << PAGE_SHIFT);
}
/* Who waits for the page, which is being written, wants its frame. */
static inline void slots_want(struct slots *s, uint32_t slot)
{
    if (s->slot[slot].state & SLOT_WRITING)
        s->slot[slot].state = SLOT_WRITING | SLOT_WANTED;
}
/* Verifies counts and states, and panics if one is wrong. O(slots). */
void slots_check(const struct slots *s);
