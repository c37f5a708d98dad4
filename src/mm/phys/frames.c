/* SPDX-License-Identifier: MIT */
#include "mm/phys/frames.h"

#include "base/panic.h"
#include "base/str.h"
#include "cpu/lock.h"

static uint64_t *frames_section(const struct frames *f, uint64_t number, uint64_t *bit)
{
    uint64_t section = number >> FRAMES_SECTION_ORDER;
    *bit = UINT64_C(1) << section % 64;
    return &f->described[section / 64];
}

/* Clears the metadata of the section with the frame, if that was not done before. */
COLD static void frames_describe(struct frames *f, uint64_t number)
{
    uint64_t bit, *bits = frames_section(f, number, &bit);
    if (*bits & bit)
        return;
    *bits |= bit;
    memset(&f->frame[align_down(number, FRAMES_SECTION)], 0, sizeof(struct frame) * FRAMES_SECTION);
}

/* Describes the sections that merging reads: those of the block, and of its buddies of each order. */
COLD static void frames_describe_buddies(struct frames *f, uint64_t number, unsigned order)
{
    uint64_t buddy = number;
    do {
        if (buddy < f->end)
            frames_describe(f, buddy);
        buddy = (number >> order ^ 1) << order;
    } while (order++ < FRAMES_ORDER_MAX);
}

COLD void frames_init(struct frames *f, struct frame *metadata, uint64_t *described, uint64_t end)
{
    assert(end <= FRAME_NONE);
    f->frame = metadata;
    f->described = described;
    f->end = end;
    f->free_frames = f->total_frames = 0;
    f->kept = FRAME_NONE;
    f->forget = NULL;
    for (unsigned order = 0; order <= FRAMES_ORDER_MAX; order++)
        f->heads[order] = FRAME_NONE;
    f->heads[FRAMES_ORDER_MAX + 1] = 0;
}

static void frames_push(struct frames *f, uint32_t number, unsigned order)
{
    struct frame *block = &f->frame[number];
    uint32_t next = f->heads[order];
    block->state = FRAME_FREE;
    block->order = (uint8_t)order;
    block->next = next;
    block->previous = FRAME_NONE;
    if (next != FRAME_NONE)
        f->frame[next].previous = number;
    f->heads[order] = number;
}

static void frames_take_out(struct frames *f, uint32_t number)
{
    struct frame *block = &f->frame[number];
    if (block->previous != FRAME_NONE)
        f->frame[block->previous].next = block->next;
    else
        f->heads[block->order] = block->next;
    if (block->next != FRAME_NONE)
        f->frame[block->next].previous = block->previous;
}

/* Frees a block, merging it with its buddy as long as that is free too. */
static void frames_release(struct frames *f, uint32_t number, unsigned order)
{
    while (order < FRAMES_ORDER_MAX) {
        uint32_t buddy = number ^ (UINT32_C(1) << order);
        if (buddy >= f->end || f->frame[buddy].state != FRAME_FREE ||
            f->frame[buddy].order != order)
            break;
        frames_take_out(f, buddy);
        f->frame[buddy].state = FRAME_INNER;
        f->frame[number].state = FRAME_INNER;
        number &= ~(UINT32_C(1) << order);
        order++;
    }
    frames_push(f, number, order);
}

COLD void frames_add(struct frames *f, struct phys_range range)
{
    uint64_t first = align_up(range.start.v, PAGE_SIZE) >> PAGE_SHIFT;
    uint64_t end = range.end.v >> PAGE_SHIFT;
    if (end > f->end)
        end = f->end;
    for (uint64_t n = first; n < end;) {
        unsigned order = n == 0 ? FRAMES_ORDER_MAX : (unsigned)__builtin_ctzll(n);
        if (order > FRAMES_ORDER_MAX)
            order = FRAMES_ORDER_MAX;
        while (n + (UINT64_C(1) << order) > end)
            order--;
        frames_describe_buddies(f, n, order);
        frames_release(f, (uint32_t)n, order);
        n += UINT64_C(1) << order;
    }
    if (end > first) {
        f->free_frames += end - first;
        f->total_frames += end - first;
    }
}

void frames_mark_foreign(struct frames *f, struct phys_range range)
{
    uint64_t first = range.start.v >> PAGE_SHIFT;
    uint64_t end = align_up(range.end.v, PAGE_SIZE) >> PAGE_SHIFT;
    for (uint64_t n = first; n < end && n < f->end; n++) {
        if (n == first || n % FRAMES_SECTION == 0)
            frames_describe(f, n);
        f->frame[n].state = FRAME_FOREIGN;
    }
}

void frames_release_foreign(struct frames *f, struct phys_range range)
{
    for (uint64_t n = range.start.v >> PAGE_SHIFT; n < range.end.v >> PAGE_SHIFT; n++)
        f->frame[n].state = FRAME_INNER;
    frames_add(f, range);
}

/* Nothing is free but, perhaps, the kept frame, which may complete a block. False: there is none. */
COLD static bool frames_merge_kept(struct frames *f)
{
    uint32_t number = f->kept;
    if (number == FRAME_NONE)
        return false;
    f->kept = FRAME_NONE;
    frames_release(f, number, 0);
    return true;
}

/* Describes the sections where the parts of the block begin. */
COLD static void frames_describe_parts(struct frames *f, uint32_t number, unsigned have)
{
    f->frame[number].halves = (uint8_t)have;
    while (have > FRAMES_SECTION_ORDER)
        frames_describe(f, number + (UINT64_C(1) << --have));
}

/* Gives out a block of which no list knows. */
static inline enum err frames_give(struct frames *f, uint32_t number, unsigned order, phys_t *out)
{
    struct frame *block = &f->frame[number];
    block->state = FRAME_USED;
    block->order = (uint8_t)order;
    block->references = 1;
    block->slot = 0;
    f->free_frames -= UINT64_C(1) << order;
    *out = phys((uint64_t)number << PAGE_SHIFT);
    return E_OK;
}

static ALWAYS_INLINE enum err frames_alloc_locked(struct frames *f, unsigned order, phys_t *out)
    REQUIRES(class_frames)
{
    uint32_t number = f->kept;
    unsigned have;
    if (order == 0 && number != FRAME_NONE) {
        f->kept = FRAME_NONE;
        return frames_give(f, number, 0, out);
    }
    for (;;) {
        have = order;
        while (f->heads[have] == FRAME_NONE)
            have++;
        number = f->heads[have];
        if (likely(have <= FRAMES_SECTION_ORDER))
            break;
        if (have > FRAMES_ORDER_MAX) {
            if (!frames_merge_kept(f))
                return E_NOMEM;
        } else if (have > f->frame[number].halves) {
            frames_describe_parts(f, number, have);
        } else {
            break;
        }
    }
    struct frame *block = &f->frame[number];
    uint32_t next = block->next; /* the block is the first of its list */
    f->heads[have] = next;
    if (next != FRAME_NONE)
        f->frame[next].previous = FRAME_NONE;
    while (have > order) { /* free the upper half */
        have--;
        frames_push(f, number + (UINT32_C(1) << have), have);
    }
    return frames_give(f, number, order, out);
}

enum err frames_alloc(struct frames *f, unsigned order, phys_t *out)
{
    SHORT_LOCK(&f->lock, class_frames);
    enum err e = frames_alloc_locked(f, order, out);
    SHORT_UNLOCK(&f->lock, class_frames);
    return e;
}

static struct frame *used_frame(const struct frames *f, phys_t block)
{
    uint64_t number = block.v >> PAGE_SHIFT;
    if (number >= f->end || f->frame[number].state == FRAME_FOREIGN)
        return NULL;
    assert(f->frame[number].state == FRAME_USED);
    return &f->frame[number];
}

static struct frame *foreign_frame(const struct frames *f, phys_t block)
{
    uint64_t number = block.v >> PAGE_SHIFT;
    return number < f->end && f->frame[number].state == FRAME_FOREIGN ? &f->frame[number] : NULL;
}

static void frames_get_locked(struct frames *f, phys_t block) REQUIRES(class_frames)
{
    struct frame *frame = used_frame(f, block);
    if (frame == NULL)
        frame = foreign_frame(f, block);
    if (frame == NULL)
        return;
    assert(frame->references < UINT32_MAX);
    frame->references++;
}

void frames_get(struct frames *f, phys_t block)
{
    SHORT_LOCK(&f->lock, class_frames);
    frames_get_locked(f, block);
    SHORT_UNLOCK(&f->lock, class_frames);
}

static void frames_put_locked(struct frames *f, phys_t block) REQUIRES(class_frames)
{
    struct frame *frame = used_frame(f, block);
    if (frame == NULL) {
        frame = foreign_frame(f, block);
        if (frame != NULL && frame->references > 0)
            frame->references--;
        return;
    }
    assert(frame->references > 0);
    if (--frame->references > 0)
        return;
    if (unlikely(frame->slot != 0))
        f->forget(frame->slot);
    unsigned order = frame->order;
    frame->state = FRAME_INNER;
    f->free_frames += UINT64_C(1) << order;
    uint32_t number = (uint32_t)(block.v >> PAGE_SHIFT);
    if (order == 0) {
        uint32_t kept = f->kept;
        f->kept = number;
        if (kept == FRAME_NONE)
            return;
        number = kept;
    }
    frames_release(f, number, order);
}

void frames_put(struct frames *f, phys_t block)
{
    SHORT_LOCK(&f->lock, class_frames);
    frames_put_locked(f, block);
    SHORT_UNLOCK(&f->lock, class_frames);
}

COLD void frames_split(struct frames *f, phys_t block)
{
    struct frame *first = used_frame(f, block);
    assert(first != NULL);
    uint32_t references = first->references;
    uint32_t count = UINT32_C(1) << first->order;
    for (uint64_t i = FRAMES_SECTION; i < count; i += FRAMES_SECTION)
        frames_describe(f, (block.v >> PAGE_SHIFT) + i);
    for (uint32_t i = 0; i < count; i++)
        first[i] = (struct frame){.references = references, .state = FRAME_USED};
}

bool frames_is_split(const struct frames *f, phys_t block)
{
    const struct frame *frame = used_frame(f, block);
    return frame == NULL || frame->order == 0;
}

/* The size of the blocks that a mapping consists of. */
static uint64_t frames_step(const struct frames *f, phys_t at, uint64_t size)
{
    return frames_is_split(f, at) ? PAGE_SIZE : size;
}

void frames_get_mapped(struct frames *f, phys_t at, uint64_t size)
{
    uint64_t step = frames_step(f, at, size);
    for (uint64_t i = 0; i < size; i += step)
        frames_get(f, phys(at.v + i));
}

void frames_put_mapped(struct frames *f, phys_t at, uint64_t size)
{
    uint64_t step = frames_step(f, at, size);
    for (uint64_t i = 0; i < size; i += step)
        frames_put(f, phys(at.v + i));
}

bool frames_are_own(const struct frames *f, phys_t at, uint64_t size)
{
    return frames_step(f, at, size) == size && frames_references(f, at) == 1;
}

uint32_t frames_references(const struct frames *f, phys_t block)
{
    struct frame *frame = used_frame(f, block);
    return frame == NULL ? 0 : frame->references;
}

uint32_t frames_mappings(const struct frames *f, phys_t page)
{
    const struct frame *frame = foreign_frame(f, page);
    if (frame != NULL)
        return frame->references;
    uint32_t references = frames_references(f, page);
    return references > 0 ? references - 1 : 0;
}

COLD int frames_largest(const struct frames *f)
{
    for (int order = FRAMES_ORDER_MAX; order >= 0; order--)
        if (f->heads[order] != FRAME_NONE)
            return order;
    return f->kept != FRAME_NONE ? 0 : -1;
}

COLD static bool frames_described(const struct frames *f, uint64_t number)
{
    uint64_t bit;
    return (*frames_section(f, number, &bit) & bit) != 0;
}

COLD void frames_check(const struct frames *f)
{
    uint64_t sum = f->kept != FRAME_NONE;
    assert(sum == 0 || f->frame[f->kept].state == FRAME_INNER);
    for (unsigned order = 0; order <= FRAMES_ORDER_MAX; order++) {
        uint32_t previous = FRAME_NONE;
        for (uint32_t n = f->heads[order]; n != FRAME_NONE; n = f->frame[n].next) {
            const struct frame *block = &f->frame[n];
            uint32_t size = UINT32_C(1) << order;
            assert(block->state == FRAME_FREE && block->order == order);
            assert(block->previous == previous && n % size == 0 && n + size <= f->end);
            for (uint32_t i = 1; i < size; i++)
                assert(!frames_described(f, n + i) || f->frame[n + i].state == FRAME_INNER);
            uint32_t buddy = n ^ size;
            assert(order == FRAMES_ORDER_MAX || buddy >= f->end ||
                   f->frame[buddy].state != FRAME_FREE || f->frame[buddy].order != order);
            sum += size;
            previous = n;
        }
    }
    assert(sum == f->free_frames);
}
