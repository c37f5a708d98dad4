/* SPDX-License-Identifier: MIT */
/*
 * The Clock: two hands over the areas of all spaces, as if they lay in a ring, a quarter of memory apart.
 *
 *                       . - ~ area ~ - .
 *                   .'                   '.
 *        back ---> /  clear: evicted        \  <--- front
 *                 |   set: it stays          |      clears accessed bits, a table at a time, with one flush
 *                  \                        /
 *                   '.                   .'         both go on in this direction -->
 *                       ' - ~ area ~ - '
 *
 * A page that is used between the two hands stays. The time between them is what the machine needs to fill a
 * quarter of its memory: the shorter, the more memory is asked for. With one hand it would be a whole turn, and with all memory in
 * use the hand would clear every bit before it could evict anything.
 *
 * What is evicted: pages of private memory (anonymous, or private copies of a file's pages) with one reference, in areas that are not
 * locked. A reference that anything else has is a pin. If there are no others, pages that fork() has shared follow (`shared`): one leaf at a
 * time, but written once. A clean page whose slot is still good costs no write.
 * Large pages are split when the back hand finds them unused.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "mm/space.h"
#include "mm/vm/slots.h"

#define CLOCK_RUN 64 /* pages of a run at most */

struct clock_hand {
    struct address_space *space; /* NULL: before the first */
    virt_t at;
    uint64_t turns; /* how often it began with the first space */
    uint64_t pages; /* that it has passed */
};

struct swap_clock {
    struct clock_hand front, back;
    uint64_t ring;    /* pages of the back hand's last turn */
    uint64_t began;   /* back.pages when its present turn began */
    uint64_t cleared; /* accessed bits that the front hand cleared */
    uint64_t spared;  /* pages that the back hand found used */
    uint64_t evicted; /* pages */
    uint64_t clean;   /* of them: not written, their slots were good */
    uint64_t splits;  /* of large pages */
};
/* The machine's, since boot. */
extern struct swap_clock swap_clock;

/* Pages that have been evicted, and are to be written to adjacent slots. */
struct clock_run {
    uint32_t slot;  /* the first */
    uint32_t room;  /* slots from there on that may be used: 0 evicts clean pages only */
    bool shared;    /* also pages that fork() has shared */
    uint32_t count; /* pages */
    uint32_t clean; /* pages that were freed at once */
    phys_t frame[CLOCK_RUN];
};

/* Moves both hands until the run is full, or by CLOCK_STEPS pieces of a table each. False: nothing was evicted; after three turns of the
 * back hand without a result there is nothing to evict. Does not sleep, runs other spaces meanwhile, allocates tables only for
 * splits. O(CLOCK_STEPS tables). */
#define CLOCK_STEPS 8
bool clock_evict(struct clock_run *run);
/* MADV_PAGEOUT: evicts pages of a part of the range, used or not, where they are private, of one reference and not locked; the hands
 * stay. Returns where to go on. The space runs. O(one table). */
virt_t clock_page_out(struct address_space *space, struct virt_range range, struct clock_run *run);
/* MADV_COLD: the pages count as unused. The space runs. O(pages). */
void clock_cool(struct address_space *space, struct virt_range range);
/* The space ends: the hands go on to the next. */
void clock_forget(const struct address_space *space);
