/* SPDX-License-Identifier: MIT */
#define LOG_TAG "swap"

#include "kern/swap.h"

#include "base/fmt.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/str.h"
#include "cpu/irq.h"
#include "cpu/percpu.h"
#include "cpu/x86.h"
#include "kern/swap_request.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"
#include "mm/pt/paging.h"
#include "mm/vm/clock.h"
#include "mm/vm/slots.h"

#define AHEAD_MOST   16  /* pages of one read */
#define TURNS_VAIN   1   /* whole turns of the back hand, before there is nothing to evict */
#define TURNS_SHARED 4   /* for which pages that fork() has shared are evicted, too */
#define LITTLE       16  /* a share of memory */
#define DIRECT_TRIES 256 /* calls of clock_evict() */
#define KEPT_PIECE   256 /* slots that are dropped together when the device is full */

const struct swap_device *swap_device;
struct swap_counters swap_counters;

static struct wait_queue waiters = WAIT_QUEUE_INIT(waiters); /* for frames, and for busy slots */
static struct wait_queue thread_queue = WAIT_QUEUE_INIT(thread_queue);
static bool thread_runs, work, ending;
static bool broken;           /* the device has failed: nothing is swapped out any more */
static bool failed;           /* the last try found nothing to evict */
static uint32_t failures;     /* how often that was so */
static uint64_t high;         /* free frames up to which the thread goes on */
static uint32_t read_next;    /* the slot after those of the last read */
static uint64_t shared_until; /* turn of the back hand: pages that fork() has shared go, too */
static uint32_t window;       /* pages of the last read */

static void wake_thread(void)
{
    if (work)
        return;
    work = true;
    wait_queue_wake(&thread_queue);
}

/* True if a program may have a frame. When there is nothing to evict, programs use most of the reserve before one is killed. */
static bool has_frames(void)
{
    uint64_t least = failed ? swap_reserve.least / 4 : swap_reserve.least;
    return machine_frames.free_frames >= least;
}

COLD bool reserve_admits(void)
{
    if (!failed)
        wake_thread();
    return has_frames();
}

COLD void reserve_owe(void)
{
    if (swap_may_help())
        percpu_set_room();
    if (!failed)
        wake_thread();
}

COLD bool swap_may_help(void)
{
    return thread_runs && !broken && !has_frames();
}

/* ---- pages in ---- */

/* How many pages to read from `slot` on: one, and more each time if the reads follow each other. */
static uint32_t read_ahead(uint32_t slot)
{
    window = slot == read_next ? window * 2 : 1;
    if (window > AHEAD_MOST)
        window = AHEAD_MOST;
    return window;
}

/* The slot is on disk only, and some entry wants it. */
static bool is_to_be_read(uint32_t slot)
{
    return slot < swap_slots.count && swap_slots.slot[slot].state == 0 &&
           swap_slots.slot[slot].references > 0;
}

/* Reads the slot and perhaps some after it. Sleeps. */
static enum err read_slots(uint32_t slot)
{
    phys_t frame[AHEAD_MOST];
    uint32_t count = 0, most = read_ahead(slot);
    while (count < most && is_to_be_read(slot + count)) {
        if (count > 0 && machine_frames.free_frames < swap_reserve.low)
            break;
        if (frames_alloc(&machine_frames, 0, &frame[count]) != E_OK)
            break;
        slots_begin_read(&swap_slots, slot + count, frame[count]);
        count++;
    }
    if (count == 0)
        return E_NOMEM;
    read_next = slot + count;
    uint64_t before = time_now_ns();
    enum err e = swap_move_pages(BLOCK_READ, slot, frame, count);
    swap_counters.read_ns += time_now_ns() - before;
    swap_counters.in += count;
    swap_counters.reads++;
    swap_counters.ahead += count - 1;
    for (uint32_t i = count; i-- > 0;) /* the one that is wanted is the last of the cached ones */
        slots_end_read(&swap_slots, slot + i, e != E_OK);
    wait_queue_wake(&waiters);
    return e;
}

/* Sleeps until the slot is not busy. */
static void wait_for_slot(uint32_t slot)
{
    slots_want(&swap_slots, slot);
    while (WAIT_EVENT_IN(&waiters, !slots_is_busy(&swap_slots, slot), NO_DEADLINE,
                         WAIT_ALL | WAIT_DESPITE_SIGNALS) != E_OK)
        ;
}

COLD bool swap_make_room(void)
{
    uint32_t before = failures;
    if (!swap_may_help())
        return has_frames();
    swap_counters.waits++;
    wake_thread();
    while (WAIT_EVENT_IN(&waiters,
                         machine_frames.free_frames >= swap_reserve.low || failures != before ||
                             !thread_runs,
                         NO_DEADLINE, WAIT_ALL | WAIT_DESPITE_SIGNALS) != E_OK)
        ;
    return has_frames();
}

COLD void swap_pay(void)
{
    percpu_clear_room();
    if (thread_current()->space == NULL || !swap_may_help())
        return;
    swap_counters.owed++;
    (void)swap_make_room();
}

static uint64_t swap_spare(void)
{
    uint64_t slots = swap_device != NULL && !broken ? swap_free_pages() : 0;
    return slots < swap_clock.ring ? slots : swap_clock.ring;
}

COLD enum fault_verdict swap_fetch(struct address_space *space, virt_t v, bool *done)
{
    struct address_space *before = running_space;
    paging_run(space);
    pte_t entry = swap_entry(space, virt(align_down(v.v, PAGE_SIZE)));
    paging_run(before);
    *done = false;
    if (swap_may_help())
        return swap_make_room() ? FAULT_RESOLVED : FAULT_OUT_OF_MEMORY;
    if (entry.v == 0) {
        *done = true;
        return FAULT_RESOLVED;
    }
    uint32_t slot = pt_swapped_slot(entry);
    swap_counters.refaults++;
    if (slots_is_busy(&swap_slots, slot)) {
        swap_counters.rescued += (swap_slots.slot[slot].state & SLOT_WRITING) != 0;
        wait_for_slot(slot);
        return FAULT_RESOLVED;
    }
    if (slots_is_cached(&swap_slots, slot) || slots_is_same(&swap_slots, slot))
        return FAULT_RESOLVED;
    if (machine_frames.free_frames < swap_reserve.low && !failed)
        wake_thread();
    enum err e = read_slots(slot);
    return e == E_OK ? FAULT_RESOLVED : e == E_NOMEM ? FAULT_OUT_OF_MEMORY : FAULT_PAST_FILE;
}

/* ---- pages out ---- */

static void swap_end_run(const struct clock_run *run, bool written)
{
    for (uint32_t i = 0; i < run->count; i++)
        slots_end_write(&swap_slots, run->slot + i, !written);
    swap_counters.runs++;
    if (written) {
        swap_counters.out += run->count;
        return;
    }
    log_err("%s: cannot be written; nothing more is swapped out", swap_one.name);
    broken = true;
    swap_reserve = (struct reserve){0};
}

/* Finds adjacent free slots for a run. Without any, only clean pages can be evicted. */
static void find_slots(struct clock_run *run)
{
    run->shared = swap_clock.back.turns < shared_until;
    run->slot = slots_find_run(&swap_slots, CLOCK_RUN, &run->room);
    if (run->room == 0 && slots_drop_kept(&swap_slots, KEPT_PIECE))
        run->slot = slots_find_run(&swap_slots, CLOCK_RUN, &run->room);
}

/* Writes what has been evicted, and sleeps until that is done. */
static void swap_write_run(const struct clock_run *run)
{
    if (run->count > 0)
        swap_end_run(run, swap_move_pages(BLOCK_WRITE, run->slot, run->frame, run->count) == E_OK);
    wait_queue_wake(&waiters);
}

COLD void swap_page_out(struct address_space *space, struct virt_range range)
{
    struct clock_run run;
    while (range.start.v < range.end.v && thread_runs && !broken) {
        find_slots(&run);
        run.shared = false;
        range.start = clock_page_out(space, range, &run);
        swap_write_run(&run);
        thread_give_way();
    }
}

/* ---- direct eviction ---- */

struct direct_write {
    volatile uint32_t left; /* requests */
    volatile bool failed;
};

static void direct_done(struct block_request *request)
{
    struct direct_write *write = request->context;
    write->failed |= request->result != E_OK;
    write->left--;
}

/* Writes the run and waits for the device's interrupts without sleeping. */
static bool swap_write_now(const struct clock_run *run)
{
    static struct block_request requests[CLOCK_RUN];
    static struct block_segment segments[CLOCK_RUN];
    static struct direct_write write;
    uint32_t count = 0;
    for (uint32_t done = 0; done < run->count; count++) {
        requests[count] = swap_request(BLOCK_WRITE, run->slot + done, run->frame + done,
                                       run->count - done, &segments[done]);
        requests[count].done = direct_done;
        requests[count].context = &write;
        done += requests[count].count;
    }
    write = (struct direct_write){count, false};
    for (uint32_t i = 0; i < count; i++)
        block_submit(swap_one.device, &requests[i]);
    while (write.left > 0)
        cpu_pause();
    return !write.failed;
}

/* The kernel's memory, of threads for example, may not take the last pages of those that asked for it. */
static bool programs_have_little(void)
{
    return swap_clock.ring != 0 && swap_clock.ring < machine_frames.total_frames / LITTLE;
}

COLD bool reserve_refill(void)
{
    static struct clock_run run;
    static bool busy;
    bool freed = false;
    if (!thread_runs || broken || busy || !irq_are_on() || programs_have_little())
        return false;
    busy = true;
    find_slots(&run);
    for (unsigned i = 0; i < DIRECT_TRIES && !freed; i++)
        freed = clock_evict(&run);
    if (run.count > 0)
        swap_end_run(&run, swap_write_now(&run));
    wait_queue_wake(&waiters);
    swap_counters.direct += freed;
    busy = false;
    return freed;
}

/* ---- the thread ---- */

static bool has_enough(void)
{
    return ending || broken || machine_frames.free_frames >= high;
}

/* Evicts until enough is free. */
static void swap_reclaim(void)
{
    static struct clock_run run;
    uint64_t turns = swap_clock.back.turns;
    while (!has_enough() && shrinkers_run()) /* clean pages of files */
        thread_give_way();
    while (!has_enough()) {
        find_slots(&run);
        if (clock_evict(&run)) {
            turns = swap_clock.back.turns;
            failed = false;
            swap_write_run(&run);
        } else if (swap_clock.back.turns - turns > TURNS_VAIN && !run.shared) {
            shared_until = swap_clock.back.turns + TURNS_SHARED;
            turns = swap_clock.back.turns;
        } else if (swap_clock.back.turns - turns > TURNS_VAIN) {
            failed = true;
            swap_counters.in_vain++;
            break;
        }
        thread_give_way();
    }
    if (failed || broken)
        failures++;
}

static void swap_thread(void *unused)
{
    (void)unused;
    while (!ending) {
        while (WAIT_EVENT_IN(&thread_queue, work || ending, NO_DEADLINE,
                             WAIT_ALL | WAIT_DESPITE_SIGNALS) != E_OK)
            ;
        work = false;
        swap_reclaim();
        wait_queue_wake(&waiters);
    }
    thread_runs = false;
    wait_queue_wake(&waiters);
}

/* Read-ahead pages are spare. */
static bool swap_shrink(void)
{
    return swap_slots.cached > 0 && slots_drop_cached(&swap_slots);
}

static void slot_forgotten(uint32_t slot)
{
    slots_forget(&swap_slots, slot);
}

/* ---- on and off ---- */

/* The first page of the device, as mkswap writes it (swap_header of Linux). */
struct swap_header {
    char boot[1024];
    uint32_t version, last_page, bad_count;
    uint8_t uuid[16];
    char volume[16];
    uint32_t padding[117];
    uint32_t bad[637];
    char magic[12]; /* the last 10 bytes of the page are the signature */
};
#define MAGIC_AT    (PAGE_SIZE - 10)
#define MAGIC       "SWAPSPACE2"
#define SLOTS_LIMIT (UINT32_C(1) << 28)

_Static_assert(offsetof(struct swap_header, bad) == 1536 && sizeof(struct swap_header) <= PAGE_SIZE,
               "the header is a page");

static enum err check_header(const struct swap_header *h, uint64_t pages)
{
    if (memcmp((const char *)h + MAGIC_AT, MAGIC, sizeof MAGIC - 1) != 0 || h->version != 1 ||
        h->last_page == 0 || h->last_page >= SLOTS_LIMIT || h->last_page >= pages ||
        h->bad_count > ARRAY_LENGTH(h->bad))
        return E_INVAL;
    for (uint32_t i = 0; i < h->bad_count; i++)
        if (h->bad[i] == 0 || h->bad[i] > h->last_page)
            return E_INVAL;
    return E_OK;
}

/* A sixty-fourth of memory for the kernel; as much again before programs wait, and again before the thread rests. */
static void set_reserve(void)
{
    uint64_t part = machine_frames.total_frames / 64;
    if (part < CLOCK_RUN)
        part = CLOCK_RUN;
    if (part > 1024)
        part = 1024;
    swap_reserve = (struct reserve){.low = 2 * part, .least = part};
    high = 3 * part;
}

static enum err swap_start_thread(void)
{
    static struct shrinker shrinker = {.shrink = swap_shrink, .spare = swap_spare};
    static bool registered;
    struct thread *thread;
    kernel_lock_assert();
    if (!registered)
        shrinker_register(&shrinker);
    registered = true;
    waiters.outside = thread_queue.outside = true;
    ending = broken = failed = work = false;
    enum err e = thread_create("swap", swap_thread, NULL, &thread);
    thread_runs = e == E_OK;
    return e;
}

static enum err begin_slots(const struct swap_header *h)
{
    void *memory = heap_alloc_zero(slots_bytes(h->last_page + 1));
    if (memory == NULL)
        return E_NOMEM;
    slots_begin(&swap_slots, &machine_frames, memory, h->last_page + 1);
    machine_frames.forget = slot_forgotten;
    for (uint32_t i = 0; i < h->bad_count; i++)
        slots_mark_bad(&swap_slots, h->bad[i]);
    for (uint32_t i = 0, next = 0; i < swap_one.extent_count; i++) {
        const struct swap_extent *extent = &swap_one.extents[i];
        for (; next < extent->slot && next <= h->last_page; next++)
            slots_mark_bad(&swap_slots, next);
        next = extent->slot + extent->count;
    }
    return E_OK;
}

static void end_slots(void)
{
    heap_free(swap_slots.slot);
    swap_slots = (struct slots){.count = 0};
}

static enum err swap_begin(void)
{
    uint32_t together;
    struct swap_header *header = kpage_alloc();
    if (header == NULL)
        return E_NOMEM;
    enum err e =
        block_read(swap_one.device, swap_sector(0, &together) * BLOCK_SECTOR, header, PAGE_SIZE);
    if (e == E_OK)
        e = check_header(header, swap_one.pages);
    if (e == E_OK)
        e = begin_slots(header);
    kpage_free(header);
    if (e != E_OK)
        return e;
    e = swap_start_thread();
    if (e != E_OK)
        end_slots();
    return e;
}

COLD enum err swap_on(const struct swap_device *what)
{
    static bool beginning;
    struct block_device *device = what->device;
    if (swap_device != NULL || beginning)
        return E_BUSY;
    if (device->readonly)
        return E_ROFS;
    if (what->pages < 2)
        return E_INVAL;
    enum err e = what->extent_count == 0 ? block_claim(device) : E_OK; /* a mount has it */
    if (e != E_OK)
        return e;
    beginning = true;
    swap_one = *what;
    e = swap_begin();
    beginning = false;
    if (e != E_OK) {
        if (what->extent_count == 0)
            block_unclaim(device);
        return e;
    }
    block_hold(device);
    swap_device = &swap_one;
    set_reserve();
    log_info("%s: %llu KiB of swap", swap_one.name,
             (unsigned long long)(swap_total_pages() * PAGE_SIZE / 1024));
    return E_OK;
}

static void stop_thread(void)
{
    ending = true;
    wait_queue_wake(&thread_queue);
    while (WAIT_EVENT_IN(&waiters, !thread_runs, NO_DEADLINE, WAIT_ALL | WAIT_DESPITE_SIGNALS) !=
           E_OK)
        ;
    ending = false;
}

/* Brings the page back. Sleeps. */
static enum err bring_back(struct address_space *space, virt_t page)
{
    enum err e;
    while ((e = swap_bring_back(space, page)) == E_AGAIN) {
        bool done;
        if (machine_frames.free_frames < swap_reserve.least && !shrinkers_run())
            return E_NOMEM;
        enum fault_verdict verdict = swap_fetch(space, page, &done);
        if (verdict != FAULT_RESOLVED)
            return verdict == FAULT_OUT_OF_MEMORY ? E_NOMEM : E_IO;
        if (!areas_space_exists(space))
            return E_OK;
    }
    return e;
}

/* All pages of all spaces; a second turn finds none, unless a fork has copied some meanwhile. */
static enum err bring_all_back(void)
{
    enum err e = E_OK;
    bool found = true;
    while (e == E_OK && found) {
        struct address_space *space = NULL;
        virt_t at = virt(0);
        found = false;
        do {
            if (swap_next(&space, &at)) {
                found = true;
                e = bring_back(space, at);
            }
            if (thread_current()->signal_pending)
                e = E_INTR;
            thread_give_way();
        } while (e == E_OK && space != NULL);
    }
    return e;
}

COLD enum err swap_off(const struct block_device *device)
{
    if (swap_device == NULL || swap_device->device != device || !thread_runs)
        return E_INVAL;
    stop_thread();
    enum err e = bring_all_back();
    if (e != E_OK) {
        must(swap_start_thread());
        return e;
    }
    kernel_lock_assert();
    while (swap_slots.used > swap_slots.kept) /* reads that go on for a program that has ended */
        thread_yield();
    while (slots_drop_kept(&swap_slots, KEPT_PIECE))
        thread_give_way();
    swap_reserve = (struct reserve){0};
    swap_device = NULL;
    end_slots();
    block_release(swap_one.device);
    if (swap_one.extent_count == 0)
        block_unclaim(swap_one.device);
    heap_free(swap_one.extents);
    return E_OK;
}
