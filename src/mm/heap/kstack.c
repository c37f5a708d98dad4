/* SPDX-License-Identifier: MIT */
#include "mm/heap/kstack.h"

#include "base/compiler.h"
#include "cpu/percpu.h"
#include "mm/layout.h"
#include "mm/phys/frames.h"
#include "mm/phys/reserve.h"
#include "mm/phys/shrinker.h"
#include "mm/pt/paging.h"

_Static_assert(PERCPU_KSTACK_GUARD == LAYOUT_KSTACK_SIZE, "entry.S looks for the guard there");

#define SLOT_SIZE (2 * LAYOUT_KSTACK_SIZE)

static uint64_t used[KSTACK_SLOTS / 64];

static struct virt_range slot_stack(unsigned slot)
{
    uint64_t start = LAYOUT_KSTACK_START + (uint64_t)slot * SLOT_SIZE + LAYOUT_KSTACK_SIZE;
    return virt_range(start, start + LAYOUT_KSTACK_SIZE);
}

static void kstack_release_frame(void *context, pte_t leaf, uint64_t size)
{
    (void)context;
    frames_put(&machine_frames, pt_leaf_frame(leaf, size));
}

static enum err kstack_map(struct virt_range stack)
{
    for (virt_t v = stack.start; v.v < stack.end.v; v.v += PAGE_SIZE) {
        phys_t frame;
        enum err e = E_NOMEM; /* a thread is the program's: it leaves the reserve alone */
        if (machine_frames.free_frames >= swap_reserve.low || reserve_admits())
            e = frames_alloc(&machine_frames, 0, &frame);
        if (e == E_OK) {
            e = paging_map(&kernel_space, v, frame, PAGE_SIZE, prot_rw());
            if (e != E_OK)
                frames_put(&machine_frames, frame);
        }
        if (e != E_OK) {
            paging_unmap(&kernel_space, (struct virt_range){stack.start, v}, kstack_release_frame,
                         NULL);
            return e;
        }
    }
    return E_OK;
}

enum err kstack_alloc(struct virt_range *out)
{
    unsigned word = 0;
    while (word < ARRAY_LENGTH(used) && used[word] == UINT64_MAX)
        word++;
    if (word == ARRAY_LENGTH(used))
        return E_NOMEM;
    unsigned slot = word * 64 + (unsigned)__builtin_ctzll(~used[word]);
    struct virt_range stack = slot_stack(slot);
    enum err e;
    do
        e = kstack_map(stack);
    while (e != E_OK && (paging_trim(running_space) || shrinkers_run() || reserve_refill()));
    if (e != E_OK)
        return e;
    used[slot / 64] |= UINT64_C(1) << slot % 64;
    *out = stack;
    return E_OK;
}

void kstack_free(struct virt_range stack)
{
    unsigned slot = (unsigned)((stack.start.v - LAYOUT_KSTACK_START) / SLOT_SIZE);
    paging_unmap(&kernel_space, stack, kstack_release_frame, NULL);
    used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

uint64_t kstack_bytes(void)
{
    uint64_t count = 0;
    for (unsigned word = 0; word < ARRAY_LENGTH(used); word++)
        for (uint64_t bits = used[word]; bits != 0; bits &= bits - 1)
            count++;
    return count * LAYOUT_KSTACK_SIZE;
}

bool kstack_holds(virt_t v)
{
    return v.v >= LAYOUT_KSTACK_START &&
           v.v < LAYOUT_KSTACK_START + (uint64_t)KSTACK_SLOTS * SLOT_SIZE;
}

bool kstack_guard_at(virt_t v, struct virt_range *stack)
{
    if (!kstack_holds(v))
        return false;
    uint64_t offset = v.v - LAYOUT_KSTACK_START;
    *stack = slot_stack((unsigned)(offset / SLOT_SIZE));
    return offset % SLOT_SIZE < LAYOUT_KSTACK_SIZE;
}
