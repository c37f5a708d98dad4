/* SPDX-License-Identifier: MIT */
/*
 * The frame allocator: a binary buddy system over all RAM, with a reference count per allocated
 * block of order 0. Allocation and release are O(orders). The single frame that was released last is
 * kept beside the lists, unmerged, for the next allocation: a page that is mapped, touched and unmapped
 * again and again splits and merges no block.
 *
 *   order 0: | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 |     a block of order n starts at a multiple of 2^n;
 *   order 1: |   0   |   2   |   4   |   6   |     its buddy is the block whose number differs in bit n
 *   order 2: |       0       |       4       |
 *
 * The metadata (struct frame per frame number) belongs to the caller, so that the same code runs
 * natively over an array (test/unit/mm/phys/test_frames.c) and in the kernel over a sparse window
 * that is mapped only where there is RAM. Metadata is cleared by sections of 2^10 frames, when the
 * first block begins in a section: the start of the allocator costs O(blocks), not O(RAM).
 *
 * Invariants, verified by frames_check():
 *   1. A free block is in exactly one list, that of its order, and all its frames but the first are
 *      INNER.
 *   2. A block and its buddy of the same order are never both free (they were merged).
 *   3. free_frames is the sum over all lists, and the kept frame, which is INNER.
 *   4. In a block no section but the first needs to be described. A section is described if a block
 *      begins in it, if it has a FOREIGN frame, or if a frame in it has a buddy that was added.
 *   5. Frames that the loader or the kernel image occupies are FOREIGN: never handed out, and
 *      frames_get/put only count (a page of the root archive is mapped like any other).
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "cpu/cpus.h"

#define FRAMES_ORDER_MAX     18 /* 2^18 frames, 1 GiB: the largest page */
#define FRAMES_SECTION_ORDER 10 /* 4 MiB, and three pages of metadata */
#define FRAMES_SECTION       (UINT64_C(1) << FRAMES_SECTION_ORDER)
/* Elements of the arrays of frames_init(). */
#define FRAMES_METADATA(end)  (((end) + FRAMES_SECTION - 1) / FRAMES_SECTION * FRAMES_SECTION)
#define FRAMES_DESCRIBED(end) ((end) / FRAMES_SECTION / 64 + 1)

enum frame_state {
    FRAME_INNER = 0, /* inside a block, or not RAM; zeroed metadata means this */
    FRAME_FREE,      /* first frame of a free block */
    FRAME_USED,      /* first frame of an allocated block */
    FRAME_FOREIGN,   /* RAM that the loader or the kernel image occupies */
};

struct frame {
    union {
        struct {
            uint32_t next, previous; /* FREE: frame numbers, FRAME_NONE at the ends */
        };
        struct {
            uint32_t references; /* USED; FOREIGN: frames_get() less frames_put(), at least 0 */
            uint32_t slot;       /* USED: holds a copy of it (mm/vm/slots.h); 0: none */
        };
    };
    uint8_t state; /* enum frame_state */
    uint8_t order; /* FREE, USED (first frame of the block) */
    /* Here blocks of orders up to this may be split: the sections of their parts are described. Stays
     * true, whatever the frame is. */
    uint8_t halves;
};

#define FRAME_NONE UINT32_MAX

struct frames {
    struct frame *frame;           /* by frame number; valid in described sections */
    uint64_t *described;           /* bits by number of section */
    uint64_t end;                  /* one past the highest frame number */
    uint64_t free_frames;          /* available now */
    uint64_t total_frames;         /* all frames added so far */
    uint32_t kept;                 /* the single frame that was released last; FRAME_NONE: none */
    void (*forget)(uint32_t slot); /* a frame with this slot was freed */
    struct short_lock lock; /* for threads that share kernel_lock: these allocate, get and put */
    uint32_t heads[FRAMES_ORDER_MAX + 2]; /* of lists; the last ends every search */
};

/* The arrays have FRAMES_METADATA(end) and FRAMES_DESCRIBED(end) elements. A section whose bit in
 * `described` is set is zero, and need not be writable if no frame in it is added or marked; the
 * others have any contents. O(1). */
void frames_init(struct frames *f, struct frame *metadata, uint64_t *described, uint64_t end);
/* Makes the frames that lie wholly inside the range available. A frame may be added only once.
 * O(orders^2 + size of the range in blocks of 1 GiB). */
void frames_add(struct frames *f, struct phys_range range);
/* Marks all frames that the range touches FOREIGN. They must not have been added. */
void frames_mark_foreign(struct frames *f, struct phys_range range);
/* Makes FOREIGN frames (a page-aligned range) available: boot memory that is no longer used. */
void frames_release_foreign(struct frames *f, struct phys_range range);
/* Allocates a naturally aligned block of 2^order frames with one reference; contents undefined.
 * E_NOMEM. */
MUST_CHECK enum err frames_alloc(struct frames *f, unsigned order, phys_t *out);
void frames_get(struct frames *f, phys_t block);
/* Drops a reference; the last one frees the block. */
void frames_put(struct frames *f, phys_t block);
/* Splits a block into single frames, each with as many references as it had. O(block). */
void frames_split(struct frames *f, phys_t block);
/* As frames_get() and frames_put() for a mapping of `size` bytes, that of a block which may have been split since then: one
 * reference to the block, or one to each of its frames. O(1), O(frames) if it was split. */
void frames_get_mapped(struct frames *f, phys_t at, uint64_t size);
void frames_put_mapped(struct frames *f, phys_t at, uint64_t size);
/* True if the block is one frame, or was split into such. */
bool frames_is_split(const struct frames *f, phys_t block);
/* True if the mapping has the only reference to each of its frames, and they are still one block. */
bool frames_are_own(const struct frames *f, phys_t at, uint64_t size);
uint32_t frames_references(const struct frames *f, phys_t block); /* 0 for FOREIGN */
/* Mappings of a file's page: all references but the file's own. O(1). */
uint32_t frames_mappings(const struct frames *f, phys_t page);
/* The slot of an allocated frame, and its change; 0: none. O(1). */
static inline uint32_t frames_slot(const struct frames *f, phys_t frame)
{
    return f->frame[frame.v >> PAGE_SHIFT].slot;
}
static inline void frames_set_slot(struct frames *f, phys_t frame, uint32_t slot)
{
    f->frame[frame.v >> PAGE_SHIFT].slot = slot;
}
/* Order of the largest free block; -1 if no frame is free. */
int frames_largest(const struct frames *f);
/* Verifies invariants 1-3 and panics if one does not hold. O(frames). */
void frames_check(const struct frames *f);

/* The machine's own allocator. */
extern struct frames machine_frames;
