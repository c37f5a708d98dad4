/* SPDX-License-Identifier: MIT */
/*
 * The theory of page faults. Areas describe the purpose of an address, the page tables only what is
 * mapped now: a leaf may be missing or allow less than its area, and never allows more. A fault
 * compares the two, in this order:
 *
 *   1. Origin. The program, or usercopy for it: continue. Any other code of the kernel, or a reserved
 *      bit in an entry: a report, and the end. A cause that no change of the tables removes (a protection
 *      key, ring 3): FAULT_DENIED.
 *   2. Area. None: the growing area above takes the address in, within its limit and outside its
 *      neighbour's gap (drawn in mm/vm/areas.h); else FAULT_NOT_MAPPED.
 *   3. Access. A guard allows none; write and execute imply read, as in x86. If not allowed:
 *      FAULT_DENIED. So a leaf of prot_none(), which is kept but not present, does not matter below.
 *   4. Leaf. The error code's P bit tells whether there was one:
 *
 *   leaf                     area                    read, execute            write
 *   -----------------------+-----------------------+------------------------+-------------------------
 *   none (P = 0)             anonymous               the zero frame, COW      2 MiB (wants_large()), or
 *                                                                             an own frame, cleared
 *                            file, private           the file's page, COW;    an own frame, read from
 *                                                    its neighbours, too      the file
 *                            ... the file part       an own frame, read from the file, its rest
 *                                ends in this page   cleared
 *                            ... behind that end     as anonymous             as anonymous, 4 KiB
 *                            file, shared            the file's page, COW;    the file's page, made
 *                                                    its neighbours, too      ready to be stored into
 *   -----------------------+-----------------------+------------------------+-------------------------
 *   4 KiB, COW (P = 1)       anonymous, or           see "allows it"          an own frame, copied from
 *                            file, private                                    the leaf's
 *                            file, shared            see "allows it"          as without a leaf
 *   2 MiB, COW (P = 1)       anonymous               see "allows it"          as its own, or split: the small
 *                                                                             leaf faults again
 *   allows it (P = 1)        any                     nothing: the TLB was stale
 *   other (P = 1)            any                     FAULT_DENIED
 *   swapped (P = 0)          private                 the slot's page, as its own: FAULT_WAITS until it is read
 *
 * Copy-on-write. A COW leaf is readable, not writable, and its frame may have other users: the zero
 * frame, a page of a file, the read-only archive. The first write always maps another frame, even
 * if the old one has no other user; the leaf's reference to the old frame is dropped after the old
 * translation has been flushed. A shared file's page is COW until it is written, so that the source
 * learns of the first store: that is when a hole or a page of the archive becomes a page of the
 * file's own. After fork() the leaves of private memory are COW and PTE_FORKED in both spaces: whose reference to the
 * frame is the only one when it writes keeps the frame. A source without page-aligned memory (E_NOTSUP) is read into own frames.
 *
 * Past the end. A page that starts beyond the end of the file is FAULT_PAST_FILE (SIGBUS).
 *
 * Stale TLB. After the tables have come to allow more, the CPU may still fault on an older
 * translation (SDM 3A 4.10.4.3). A walk through the tables distinguishes this from a real fault. The same fault
 * again, without a change of the tables, is FAULT_DENIED.
 *
 * Shortage. A step that finds no frame for a page or a table undoes its changes and returns
 * E_NOMEM. fault_resolve() then frees what can be spared (emptied tables, the shrinkers' caches and
 * MADV_FREE pages) and starts again, for as long as that frees something; then FAULT_OUT_OF_MEMORY.
 * Only the growth of an area is not undone: the second try finds the address in it.
 *
 * A page on a device. The source answers E_AGAIN, the step undoes its changes, and the verdict is
 * FAULT_WAITS. A fault of the program or of copy_out() then sleeps in the source's fetch(), with a
 * reference to the source and nothing else, and starts again from 2: area and leaf may be others. The
 * other copies for the program do not sleep: they end with E_INTR, and the caller, which knows what it
 * holds, calls copy_wait() and copies again (mm/vm/usercopy.h).
 *
 * Swap (mm/vm/swap.h). A swapped page waits as a page on a device does. While there is swap a fault that finds fewer frames than
 * swap_reserve.least waits, too, until the swap thread has freed some, or has found nothing to free: FAULT_OUT_OF_MEMORY.
 *
 * An own frame is mapped first and filled at the program's address: no second mapping is needed,
 * and the TLB entry will be used again. That requires the space to be the running one, and no other
 * thread of the program to run in between: one CPU, the kernel is not preempted. While others run programs the frame is filled
 * at a scratch page and mapped afterwards; and a fault looks at the leaf again, for another CPU may have resolved it. Most faults are resolved
 * beside those of other threads then: fault_resolve_beside().
 */
#include "mm/vm/fault.h"

#include "base/panic.h"
#include "base/str.h"
#include "cpu/lock.h"
#include "cpu/percpu.h"
#include "cpu/trap.h"
#include "cpu/usercopy.h"
#include "cpu/x86.h"
#include "mm/layout.h"
#include "mm/phys/frames.h"
#include "mm/phys/reserve.h"
#include "mm/phys/shrinker.h"
#include "mm/pt/backend.h"
#include "mm/pt/table_frames.h"
#include "mm/vm/areas_table.h"
#include "mm/vm/slots.h"
#include "mm/vm/swap.h"
#include "mm/vm/usercopy.h"

/* Pages of a file that one read fault maps, as in Linux. Their frames already exist, and a fault
 * for each would cost twenty times the entry. */
#define FAULT_AROUND 16

#define LARGE_ORDER  9

struct fault_counters fault_counters;

static bool fault_allowed(const struct area *a, uint64_t error)
{
    if (a->kind == AREA_GUARD)
        return false;
    if (error & PF_WRITE)
        return prot_can_write(a->prot);
    if (error & PF_EXECUTE)
        return prot_can_execute(a->prot);
    return a->prot.bits != 0; /* as in Linux on x86, write or execute imply read */
}

/* Maps a frame and takes over the caller's reference to it. */
static enum err map_owned(struct address_space *space, virt_t page, phys_t frame, prot_t prot)
{
    enum err e = paging_map(space, page, frame, PAGE_SIZE, prot);
    if (e != E_OK)
        frames_put(&machine_frames, frame);
    return e;
}

/* A frame for the program. */
static enum err take_frame(phys_t *out)
{
    if (unlikely(machine_frames.free_frames < swap_reserve.low) && !reserve_admits())
        return E_NOMEM;
    return frames_alloc(&machine_frames, 0, out);
}

/* True if another CPU may look at the program's pages meanwhile, or has since the fault. */
static bool others_look(void)
{
    return SEVERAL_CPUS && !cpus_undisturbed();
}

/* An own frame, contents undefined, mapped at *at for the kernel to fill: at the program's address, or, where another CPU
 * may look, at the second scratch page. */
static ALWAYS_INLINE enum err map_fresh(struct address_space *space, virt_t page, phys_t *frame,
                                        void **at)
{
    enum err e = take_frame(frame);
    if (e != E_OK)
        return e;
    if (others_look()) {
        *at = memory_scratch_second(*frame);
        return E_OK;
    }
    *at = ptr_of(page);
    return map_owned(space, page, *frame, prot_rw());
}

/* The page of map_fresh() has been filled: counts it, and gives it the area's rights. */
static ALWAYS_INLINE enum err fault_settle(struct address_space *space, const struct area *a,
                                           virt_t page, phys_t frame)
{
    if (others_look()) {
        enum err e = map_owned(space, page, frame, a->prot);
        if (e == E_OK)
            areas_count_pages(a, false, phys(0), 1);
        return e;
    }
    areas_count_pages(a, false, phys(0), 1);
    if (prot_equal(a->prot, prot_rw()))
        return E_OK;
    return paging_protect(space, virt_range(page.v, page.v + PAGE_SIZE), a->prot);
}

/*
 * Transparent 2 MiB pages. One is used only if a quarter of all memory stays free after it (an
 * eighth where the program asked for them), so that a program that touches one byte in each 2 MiB
 * falls back to small pages long before memory is exhausted.
 */
static bool wants_large(const struct area *a, virt_t page)
{
    uint64_t base = align_down(page.v, LARGE_SIZE);
    uint64_t left = machine_frames.total_frames / (a->flags & AREA_HUGE ? 8 : 4);
    return !(a->flags & (AREA_NO_HUGE | AREA_GROWS_DOWN)) && base >= a->range.start.v &&
           a->range.end.v - base >= LARGE_SIZE &&
           machine_frames.free_frames >= left + (LARGE_SIZE >> PAGE_SHIFT) &&
           areas_policy().large_pages;
}

/* False if a small page must be used: part of the range is mapped, or memory is fragmented. */
static bool map_large(struct address_space *space, const struct area *a, virt_t page)
{
    struct virt_range range = {virt(align_down(page.v, LARGE_SIZE)), page};
    range.end = virt(range.start.v + LARGE_SIZE);
    struct pt_walk walk;
    phys_t block;
    paging_trim(space);
    paging_walk(space, page, &walk);
    if (walk.last_level < 2 || walk.entry[walk.last_level].v != 0 ||
        frames_alloc(&machine_frames, LARGE_ORDER, &block) != E_OK)
        return false;
    for (uint64_t at = 0; others_look() && at < LARGE_SIZE; at += PAGE_SIZE)
        memset(memory_scratch_second(phys(block.v + at)), 0, PAGE_SIZE);
    if (paging_map(space, range.start, block, LARGE_SIZE, others_look() ? a->prot : prot_rw()) !=
        E_OK) {
        frames_put(&machine_frames, block);
        return false;
    }
    if (!others_look())
        memset(ptr_of(range.start), 0, LARGE_SIZE);
    if (!others_look() && !prot_equal(a->prot, prot_rw()))
        must(paging_protect(space, range, a->prot)); /* no leaf is cut */
    areas_count_pages(a, false, block, LARGE_SIZE / PAGE_SIZE);
    CPUS_ADD(fault_counters.large, 1);
    return true;
}

/* The page is cleared at its final address: no other mapping, no flush, and its TLB entry is
 * warm. */
static enum err fault_anonymous(struct address_space *space, const struct area *a, virt_t page,
                                bool write)
{
    if (!write) {
        CPUS_ADD(fault_counters.zero, 1);
        return paging_map(space, page, memory_zero_frame(), PAGE_SIZE, prot_copy_on_write(a->prot));
    }
    CPUS_ADD(fault_counters.anonymous, 1);
    if (a->kind == AREA_ANONYMOUS && wants_large(a, page) && map_large(space, a, page))
        return E_OK;
    phys_t frame;
    void *at;
    enum err e = map_fresh(space, page, &frame, &at);
    if (e != E_OK)
        return e;
    memset(at, 0, PAGE_SIZE);
    return fault_settle(space, a, page, frame);
}

static void fault_release_frame(void *context, pte_t leaf, uint64_t size)
{
    (void)context;
    frames_put(&machine_frames, pt_leaf_frame(leaf, size));
}

/* A private copy of a page of the file; the part from file_end on is cleared. */
static enum err private_copy(struct address_space *space, const struct area *a, virt_t page)
{
    CPUS_ADD(fault_counters.copied, 1);
    phys_t frame;
    void *at;
    enum err e = map_fresh(space, page, &frame, &at);
    if (e != E_OK)
        return e;
    uint64_t want = a->file_end - page.v < PAGE_SIZE ? a->file_end - page.v : PAGE_SIZE;
    e = a->source->ops->read(a->source, a->offset + (page.v - a->range.start.v), at, want);
    if (e != E_OK && others_look()) {
        frames_put(&machine_frames, frame);
        return e;
    }
    if (e != E_OK) {
        paging_unmap(space, virt_range(page.v, page.v + PAGE_SIZE), fault_release_frame, NULL);
        return e;
    }
    memset((char *)at + want, 0, PAGE_SIZE - want);
    return fault_settle(space, a, page, frame);
}

static enum err map_file_page(struct address_space *space, const struct area *a, virt_t page,
                              bool write)
{
    phys_t frame;
    uint64_t index = (a->offset + (page.v - a->range.start.v)) >> PAGE_SHIFT;
    enum err e = a->source->ops->page(a->source, index, write, &frame);
    if (e != E_OK)
        return e;
    e = map_owned(space, page, frame, write ? a->prot : prot_copy_on_write(a->prot));
    if (e == E_OK)
        areas_count_pages(a, !write, frame, 1);
    return e;
}

/* Fault-around: maps the file's pages that are in memory, in the window of FAULT_AROUND around
 * `page`. */
static void map_around(struct address_space *space, const struct area *a, virt_t page)
{
    uint64_t start = align_down(page.v, FAULT_AROUND * PAGE_SIZE);
    for (uint64_t i = 0; i < FAULT_AROUND; i++) {
        virt_t v = virt(start + i * PAGE_SIZE);
        struct pt_walk walk;
        if (!virt_range_contains(a->range, v) || v.v >= a->file_end ||
            a->file_end - v.v < PAGE_SIZE)
            continue;
        uint64_t index = (a->offset + (v.v - a->range.start.v)) >> PAGE_SHIFT;
        paging_walk(space, v, &walk);
        if (walk.last_level == 1 && walk.entry[1].v == 0 &&
            a->source->ops->present(a->source, index) && map_file_page(space, a, v, false) != E_OK)
            return;
    }
}

static enum err fault_file(struct address_space *space, const struct area *a, virt_t page,
                           bool write)
{
    bool shared = a->flags & AREA_SHARED;
    if (page.v >= a->file_end)
        return fault_anonymous(space, a, page, write);
    if (!shared && (write || a->file_end - page.v < PAGE_SIZE))
        return private_copy(space, a, page);
    CPUS_ADD(fault_counters.file, 1);
    enum err e = map_file_page(space, a, page, write);
    if (e == E_NOTSUP)
        return private_copy(space, a, page);
    if (e == E_OK && !write)
        map_around(space, a, page);
    return e;
}

/* A write to a shared page: replaces it with a copy. Of a page that fork() has shared the last user keeps the frame. */
static enum err copy_on_write(struct address_space *space, const struct area *a, virt_t page,
                              pte_t leaf)
{
    phys_t frame, shared = pt_leaf_frame(leaf, PAGE_SIZE);
    bool borrowed = pt_leaf_is_borrowed(leaf);
    if (!borrowed && frames_references(&machine_frames, shared) == 1) {
        CPUS_ADD(fault_counters.taken_over, 1);
        if (unlikely(frames_slot(&machine_frames, shared) != 0))
            slots_forget_frame(&swap_slots, shared);
        paging_replace(space, page, shared, a->prot);
        paging_mark(space, virt_range(page.v, page.v + PAGE_SIZE), leaf.v & PTE_D);
        return E_OK;
    }
    if (a->kind == AREA_FILE && a->flags & AREA_SHARED) {
        uint64_t index = (a->offset + (page.v - a->range.start.v)) >> PAGE_SHIFT;
        enum err e = a->source->ops->page(a->source, index, true, &frame);
        if (e != E_OK)
            return e;
    } else {
        CPUS_ADD(fault_counters.copied, 1);
        enum err e = take_frame(&frame);
        if (e != E_OK)
            return e;
        memcpy(memory_scratch(frame), ptr_of(page), PAGE_SIZE);
    }
    paging_replace(space, page, frame, a->prot);
    areas_count_pages(a, borrowed, shared, -UINT64_C(1));
    areas_count_pages(a, false, frame, 1);
    frames_put(&machine_frames, shared);
    return E_OK;
}

/* A write to a 2 MiB page that fork() has shared: the last user keeps it, another splits it, and copies the small page with
 * the next fault. */
COLD static enum err write_large(struct address_space *space, const struct area *a, virt_t page,
                                 pte_t leaf)
{
    struct virt_range range = {virt(align_down(page.v, LARGE_SIZE)), page};
    phys_t block = pt_leaf_frame(leaf, LARGE_SIZE);
    if (!frames_are_own(&machine_frames, block, LARGE_SIZE))
        return areas_cut_large(space, virt(range.start.v + PAGE_SIZE));
    CPUS_ADD(fault_counters.taken_over, 1);
    range.end = virt(range.start.v + LARGE_SIZE);
    paging_unmap(space, range, NULL, NULL);
    must(paging_map(space, range.start, block, LARGE_SIZE, a->prot)); /* its tables are there */
    paging_mark(space, range, leaf.v & PTE_D);
    return E_OK;
}

/* A fault that the tables allow: the TLB held an older entry, which the fault has dropped (SDM 3A 4.10.4.1). Without a
 * change of the tables in between it has another cause when it comes again. */
COLD static enum fault_verdict fault_stale(const struct address_space *space, virt_t v,
                                           uint64_t error)
{
    static uint64_t last[4] GUARDED_BY(kernel_lock);
    kernel_lock_assert();
    const uint64_t now[4] = {(uint64_t)(uintptr_t)space, v.v, error,
                             paging_counters.page_flushes + paging_counters.full_flushes};
    if (memcmp(last, now, sizeof last) == 0)
        return FAULT_DENIED;
    memcpy(last, now, sizeof last);
    return FAULT_RESOLVED;
}

static bool leaf_allows(const struct pt_walk *walk, uint64_t error)
{
    return walk->leaf_level != 0 && (!(error & PF_WRITE) || walk->writable) &&
           (!(error & PF_EXECUTE) || walk->executable);
}

/* Another CPU may have changed the leaf since the fault, before this one had kernel_lock. True: it allows the access now; else the
 * error says what it is. */
static bool fault_is_past(const struct address_space *space, virt_t page, uint64_t *error)
{
    struct pt_walk walk;
    paging_walk(space, page, &walk);
    if (leaf_allows(&walk, *error))
        return true;
    *error = (*error & ~(uint64_t)PF_PRESENT) | (walk.leaf_level != 0 ? PF_PRESENT : 0);
    return false;
}

static enum fault_verdict fault_resolve_once(struct address_space *space, virt_t v, uint64_t error)
{
    const struct area *a = areas_first_above(space, v);
    if (a == NULL || a->range.start.v > v.v) {
        if (areas_grow_down(space, v) != E_OK)
            return FAULT_NOT_MAPPED;
        a = areas_find(space, v);
    }
    if (!fault_allowed(a, error))
        return FAULT_DENIED;
    virt_t page = virt(align_down(v.v, PAGE_SIZE));
    bool write = error & PF_WRITE;
    if (others_look() && fault_is_past(space, page, &error))
        return FAULT_RESOLVED;
    if (error & PF_PRESENT) {
        struct pt_walk walk;
        paging_walk(space, page, &walk);
        if (write && walk.leaf_level == 1 && walk.entry[1].v & PTE_COW)
            return fault_verdict_of(copy_on_write(space, a, page, walk.entry[1]));
        if (unlikely(write && walk.leaf_level == 2 && walk.entry[2].v & PTE_COW))
            return fault_verdict_of(write_large(space, a, page, walk.entry[2]));
        return leaf_allows(&walk, error) ? fault_stale(space, v, error) : FAULT_DENIED;
    }
    if (unlikely(a->owner->swapped != 0)) {
        pte_t entry = swap_entry(space, page);
        if (entry.v != 0)
            return fault_verdict_of(swap_in(space, a, page, entry, write));
    }
    return fault_verdict_of(a->kind == AREA_FILE ? fault_file(space, a, page, write)
                                                 : fault_anonymous(space, a, page, write));
}

/* As fault_resolve(), but does not sleep: FAULT_WAITS. */
static ALWAYS_INLINE enum fault_verdict resolve_now(struct address_space *space, virt_t v,
                                                    uint64_t error)
{
    enum fault_verdict verdict = fault_resolve_once(space, v, error);
    /* The swap thread, for which the fault can wait, runs the shrinkers with preemption points between. */
    while (unlikely(verdict == FAULT_OUT_OF_MEMORY) &&
           (paging_trim(space) || (!swap_may_help() && shrinkers_run())))
        verdict = fault_resolve_once(space, v, error);
    return unlikely(verdict == FAULT_OUT_OF_MEMORY) && swap_may_help() ? FAULT_WAITS : verdict;
}

/*
 * Of several CPUs: what can be resolved beside other threads that share kernel_lock, under the lock of the space. Areas and tables change only under that
 * lock. What may sleep, fail, read a file or make an area grow is for a thread that is alone.
 */
enum beside {
    BESIDE_DONE,
    BESIDE_ALONE, /* kernel_lock is needed alone */
    BESIDE_FRAME, /* a cleared frame is needed: it is made without the lock */
};

static enum beside resolve_beside_locked(struct address_space *space, virt_t v, uint64_t error,
                                         phys_t frame, bool *owned) REQUIRES(class_space)
{
    virt_t page = virt(align_down(v.v, PAGE_SIZE));
    bool write = error & PF_WRITE;
    const struct area *a = areas_find(space, v);
    if (a == NULL || !fault_allowed(a, error))
        return BESIDE_ALONE;
    if (fault_is_past(space, page, &error))
        return BESIDE_DONE;
    enum err e;
    if (error & PF_PRESENT) {
        struct pt_walk walk;
        paging_walk(space, page, &walk);
        if (!write || walk.leaf_level != 1 || !(walk.entry[1].v & PTE_COW) ||
            (a->kind == AREA_FILE && a->flags & AREA_SHARED))
            return BESIDE_ALONE;
        e = copy_on_write(space, a, page, walk.entry[1]);
    } else if (a->kind == AREA_FILE && page.v < a->file_end) {
        return BESIDE_ALONE;
    } else if (!write || (a->kind == AREA_ANONYMOUS && wants_large(a, page))) {
        e = fault_anonymous(space, a, page, write);
    } else if (!*owned) {
        return BESIDE_FRAME;
    } else {
        CPUS_ADD(fault_counters.anonymous, 1);
        *owned = false;
        e = fault_settle(space, a, page, frame);
    }
    return e == E_OK ? BESIDE_DONE : BESIDE_ALONE;
}

static NOINLINE bool fault_resolve_beside(struct address_space *space, virt_t v, uint64_t error)
{
    phys_t frame = phys(0);
    bool owned = false;
    for (;;) {
        SHORT_LOCK(&space->lock, class_space);
        enum beside result = resolve_beside_locked(space, v, error, frame, &owned);
        SHORT_UNLOCK(&space->lock, class_space);
        if (result == BESIDE_FRAME && take_frame(&frame) == E_OK) {
            memset(memory_scratch_second(frame), 0, PAGE_SIZE);
            owned = true;
            continue;
        }
        if (owned)
            frames_put(&machine_frames, frame);
        return result == BESIDE_DONE;
    }
}

/* While pages may be in slots, or the back end has mappings of which there is one for all CPUs, threads are alone. */
bool fault_may_share(void)
{
    return swap_reserve.low == 0 && paging->access->put == NULL &&
           paging->access->alloc == memory_table_alloc;
}

/* The program's access that began on a leaf may find none, or another one. */
COLD static NOINLINE enum fault_verdict resolve_later(struct address_space *space, virt_t v,
                                                      uint64_t error)
{
    enum fault_verdict verdict = FAULT_WAITS;
    struct pt_walk walk;
    while (verdict == FAULT_WAITS) {
        verdict = fault_fetch(space, v, error);
        if (verdict != FAULT_RESOLVED)
            break;
        paging_walk(space, virt(align_down(v.v, PAGE_SIZE)), &walk);
        if (leaf_allows(&walk, error))
            return FAULT_RESOLVED; /* another thread has mapped it */
        error = (error & ~(uint64_t)PF_PRESENT) | (walk.leaf_level != 0 ? PF_PRESENT : 0);
        verdict = resolve_now(space, v, error);
    }
    return verdict;
}

enum fault_verdict fault_resolve(struct address_space *space, virt_t v, uint64_t error)
{
    enum fault_verdict verdict = resolve_now(space, v, error);
    bool waits = unlikely(verdict == FAULT_WAITS);
    if (waits)
        verdict = resolve_later(space, v, error);
    if (verdict == FAULT_RESOLVED)
        fault_was_resolved(waits);
    return verdict;
}

/* The fault of the program or of a copy for it was not resolved. */
COLD static NOINLINE void unresolved(struct trap_frame *frame, virt_t v, bool copying,
                                     enum fault_verdict verdict)
{
    if (verdict == FAULT_WAITS && (!copying || usercopy_waits(frame))) {
        verdict = resolve_later(running_space, v, frame->error);
        if (!copying)
            percpu_end_slice(); /* others ran: the end of a restartable sequence */
    }
    if (verdict == FAULT_RESOLVED) {
        fault_was_resolved(true);
        return;
    }
    if (!copying) {
        fault_of_program(frame, v, verdict);
        return;
    }
    usercopy_abort(frame, verdict == FAULT_WAITS ? E_INTR : E_FAULT);
    if (verdict == FAULT_OUT_OF_MEMORY)
        fault_of_copy(frame, v);
    else if (verdict == FAULT_WAITS)
        copy_missed(v, frame->error);
}

static void page_fault(struct trap_frame *frame)
{
    virt_t v = virt(read_cr2());
    bool program = trap_from_program(frame);
    bool copying = !program && usercopy_active(frame);
    if (frame->rflags & RFLAGS_IF)
        __asm__ volatile("sti" : : : "memory"); /* CR2 has been saved in v */
    if ((program || copying) && !(frame->error & PF_RESERVED)) {
        if (kernel_lock_is_shared()) {
            if (fault_may_share() && !(frame->error & ~(uint64_t)PF_RESOLVABLE) &&
                fault_resolve_beside(running_space, v, frame->error)) {
                fault_was_resolved(false);
                return;
            }
            if (copying && !usercopy_waits(frame)) {
                usercopy_abort(frame, E_INTR);
                copy_missed(v, frame->error);
                return;
            }
            kernel_lock_alone();
        }
        kernel_lock_assert();
        enum fault_verdict verdict = likely(!(frame->error & ~(uint64_t)PF_RESOLVABLE))
                                         ? resolve_now(running_space, v, frame->error)
                                         : FAULT_DENIED;
        if (likely(verdict == FAULT_RESOLVED))
            fault_was_resolved(false);
        else
            unresolved(frame, v, copying, verdict);
        return;
    }
    fault_of_kernel(frame, v);
}

void fault_init(void)
{
    trap_set_handler(VECTOR_PAGE_FAULT, page_fault);
}
