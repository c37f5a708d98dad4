/* SPDX-License-Identifier: MIT */
#include "mm/vm/fault.h"

#include "base/panic.h"
#include "base/str.h"
#include "cpu/irq.h"
#include "cpu/trap.h"
#include "cpu/usercopy.h"
#include "cpu/x86.h"
#include "mm/layout.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"
#include "mm/pt/paging.h"
#include "mm/pt/table_frames.h"
#include "mm/vm/areas.h"

/* Pages of a file that one read fault maps, its own among them (as Linux): their frames exist
 * already, a fault each would cost twenty times the entry. */
#define FAULT_AROUND 16

#define LARGE_ORDER  9

struct fault_counters fault_counters;

static enum fault_verdict verdict_of(enum err e)
{
    return e == E_OK ? FAULT_RESOLVED : e == E_NOMEM ? FAULT_OUT_OF_MEMORY : FAULT_PAST_FILE;
}

static bool allowed(const struct area *a, uint64_t error)
{
    if (a->kind == AREA_GUARD)
        return false;
    if (error & PF_WRITE)
        return prot_can_write(a->prot);
    if (error & PF_EXECUTE)
        return prot_can_execute(a->prot);
    return a->prot.bits != 0; /* as on Linux for x86, write or execute imply read */
}

/* Maps a frame whose reference the caller hands over. */
static enum err map_owned(virt_t page, phys_t frame, prot_t prot)
{
    enum err e = paging_map(page, frame, PAGE_SIZE, prot);
    if (e != E_OK)
        frames_put(&machine_frames, frame);
    return e;
}

/* A page of the program's own, still without contents, writable for us whatever the area says. */
static enum err map_fresh(virt_t page)
{
    phys_t frame;
    enum err e = frames_alloc(&machine_frames, 0, &frame);
    return e == E_OK ? map_owned(page, frame, prot_rw()) : e;
}

static enum err settle(const struct area *a, virt_t page)
{
    if (prot_equal(a->prot, prot_rw()))
        return E_OK;
    return paging_protect(virt_range(page.v, page.v + PAGE_SIZE), a->prot);
}

/*
 * Pages of 2 MiB, without being asked. The rule that keeps them from doing harm: one is used only
 * while a quarter of all memory stays free after it (an eighth where the program asked for them), so
 * a program that touches one byte in each 2 MiB goes on with small pages long before memory is out.
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

/* False when it must be a small page: something is mapped there already, or memory is in pieces. */
static bool map_large(const struct area *a, virt_t page)
{
    struct virt_range range = {virt(align_down(page.v, LARGE_SIZE)), page};
    range.end = virt(range.start.v + LARGE_SIZE);
    struct pt_walk walk;
    phys_t block;
    paging_trim();
    paging_walk(page, &walk);
    if (walk.last_level < 2 || walk.entry[walk.last_level].v != 0 ||
        frames_alloc(&machine_frames, LARGE_ORDER, &block) != E_OK)
        return false;
    if (paging_map(range.start, block, LARGE_SIZE, prot_rw()) != E_OK) {
        frames_put(&machine_frames, block);
        return false;
    }
    memset(ptr_of(range.start), 0, LARGE_SIZE);
    if (!prot_equal(a->prot, prot_rw()))
        must(paging_protect(range, a->prot)); /* nothing is cut */
    fault_counters.large++;
    return true;
}

/* The page is cleared where it will be used: no other mapping, no flush, and its line of the TLB is
 * warm. */
static enum err anonymous(const struct area *a, virt_t page, bool write)
{
    if (!write) {
        fault_counters.zero++;
        return paging_map(page, memory_zero_frame(), PAGE_SIZE, prot_copy_on_write(a->prot));
    }
    fault_counters.anonymous++;
    if (a->kind == AREA_ANONYMOUS && wants_large(a, page) && map_large(a, page))
        return E_OK;
    enum err e = map_fresh(page);
    if (e != E_OK)
        return e;
    memset(ptr_of(page), 0, PAGE_SIZE);
    return settle(a, page);
}

static void fault_release_frame(void *context, phys_t frame, uint64_t size)
{
    (void)context;
    (void)size;
    frames_put(&machine_frames, frame);
}

/* A private copy of a page of the file, of which the part from file_end on reads as zeros. */
static enum err private_copy(const struct area *a, virt_t page)
{
    fault_counters.copied++;
    enum err e = map_fresh(page);
    if (e != E_OK)
        return e;
    uint64_t want = a->file_end - page.v < PAGE_SIZE ? a->file_end - page.v : PAGE_SIZE;
    e = a->source->ops->read(a->source, a->offset + (page.v - a->range.start.v), ptr_of(page),
                             want);
    if (e != E_OK) {
        paging_unmap(virt_range(page.v, page.v + PAGE_SIZE), fault_release_frame, NULL);
        return e;
    }
    memset((char *)ptr_of(page) + want, 0, PAGE_SIZE - want);
    return settle(a, page);
}

static enum err map_file_page(const struct area *a, virt_t page, bool write)
{
    phys_t frame;
    uint64_t index = (a->offset + (page.v - a->range.start.v)) >> PAGE_SHIFT;
    enum err e = a->source->ops->page(a->source, index, write, &frame);
    if (e != E_OK)
        return e;
    return map_owned(page, frame, write ? a->prot : prot_copy_on_write(a->prot));
}

/* The pages of the file around `page` that are in memory anyhow, in its window of FAULT_AROUND. */
static void map_around(const struct area *a, virt_t page)
{
    uint64_t start = align_down(page.v, FAULT_AROUND * PAGE_SIZE);
    for (uint64_t i = 0; i < FAULT_AROUND; i++) {
        virt_t v = virt(start + i * PAGE_SIZE);
        struct pt_walk walk;
        if (!virt_range_contains(a->range, v) || v.v >= a->file_end ||
            a->file_end - v.v < PAGE_SIZE)
            continue;
        uint64_t index = (a->offset + (v.v - a->range.start.v)) >> PAGE_SHIFT;
        paging_walk(v, &walk);
        if (walk.last_level == 1 && walk.entry[1].v == 0 &&
            a->source->ops->present(a->source, index) && map_file_page(a, v, false) != E_OK)
            return;
    }
}

static enum err file(const struct area *a, virt_t page, bool write)
{
    bool shared = a->flags & AREA_SHARED;
    if (page.v >= a->file_end)
        return anonymous(a, page, write);
    if (!shared && (write || a->file_end - page.v < PAGE_SIZE))
        return private_copy(a, page);
    fault_counters.file++;
    enum err e = map_file_page(a, page, write);
    if (e == E_NOTSUP)
        return private_copy(a, page);
    if (e == E_OK && !write)
        map_around(a, page);
    return e;
}

/* A write to a page that is shared with others: the copy takes its place. */
static enum err copy_on_write(const struct area *a, virt_t page, phys_t shared)
{
    phys_t frame;
    if (a->kind == AREA_FILE && a->flags & AREA_SHARED) {
        uint64_t index = (a->offset + (page.v - a->range.start.v)) >> PAGE_SHIFT;
        enum err e = a->source->ops->page(a->source, index, true, &frame);
        if (e != E_OK)
            return e;
    } else {
        fault_counters.copied++;
        enum err e = frames_alloc(&machine_frames, 0, &frame);
        if (e != E_OK)
            return e;
        memcpy(memory_scratch(frame), ptr_of(page), PAGE_SIZE);
    }
    paging_replace(page, frame, a->prot);
    frames_put(&machine_frames, shared);
    return E_OK;
}

static enum fault_verdict resolve(virt_t v, uint64_t error)
{
    const struct area *a = areas_find(v);
    if (a == NULL) {
        if (areas_grow_down(v) != E_OK)
            return FAULT_NOT_MAPPED;
        a = areas_find(v);
    }
    if (!allowed(a, error))
        return FAULT_DENIED;
    virt_t page = virt(align_down(v.v, PAGE_SIZE));
    bool write = error & PF_WRITE;
    if (error & PF_PRESENT) {
        struct pt_walk walk;
        paging_walk(page, &walk);
        if (write && walk.leaf_level == 1 && walk.entry[1].v & PTE_COW)
            return verdict_of(copy_on_write(a, page, phys(align_down(walk.phys.v, PAGE_SIZE))));
        /* The tables allow it by now: the TLB held an older entry (SDM 3A 4.10.4.3). */
        bool stale = walk.leaf_level != 0 && (!write || walk.writable) &&
                     (!(error & PF_EXECUTE) || walk.executable);
        return stale ? FAULT_RESOLVED : FAULT_DENIED;
    }
    return verdict_of(a->kind == AREA_FILE ? file(a, page, write) : anonymous(a, page, write));
}

enum fault_verdict fault_resolve(virt_t v, uint64_t error)
{
    enum fault_verdict verdict = resolve(v, error);
    while (unlikely(verdict == FAULT_OUT_OF_MEMORY) && (paging_trim() || shrinkers_run()))
        verdict = resolve(v, error);
    return verdict;
}

static void page_fault(struct trap_frame *frame)
{
    virt_t v = virt(read_cr2());
    bool program = trap_from_program(frame);
    bool copying = !program && usercopy_active(frame);
    if (frame->rflags & RFLAGS_IF)
        __asm__ volatile("sti" : : : "memory"); /* CR2 is safe in v */
    if ((program || copying) && !(frame->error & PF_RESERVED)) {
        enum fault_verdict verdict = fault_resolve(v, frame->error);
        if (verdict == FAULT_RESOLVED)
            return;
        if (copying)
            usercopy_abort(frame);
        else
            fault_of_program(frame, v, verdict);
        return;
    }
    fault_of_kernel(frame, v);
}

void fault_init(void)
{
    trap_set_handler(VECTOR_PAGE_FAULT, page_fault);
}
