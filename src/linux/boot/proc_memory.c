/* SPDX-License-Identifier: MIT */
/* /proc/meminfo, vmstat, zoneinfo and buddyinfo. All RAM is one zone, "Normal", of one node. What
 * Ouro does not have, as slabs that can be reclaimed, is 0. */
#include "base/list.h"
#include "fs/cache/page_cache.h"
#include "fs/ram/ramfs.h"
#include "kern/swap.h"
#include "kern/thread.h"
#include "linux/boot/proc_machine.h"
#include "linux/memory/range.h"
#include "linux/task/process.h"
#include "linux/task/program.h"
#include "mm/heap/heap.h"
#include "mm/init/memory.h"
#include "mm/layout.h"
#include "mm/phys/frames.h"
#include "mm/pt/paging.h"
#include "mm/vm/areas.h"
#include "mm/vm/clock.h"
#include "mm/vm/fault.h"
#include "mm/vm/slots.h"

#define LINUX_ORDERS 11 /* orders of Linux's allocator */

/* All in pages but the last. */
struct memory_now {
    uint64_t total, free, available, files, cache, cached, dirty, writing, anonymous, mapped,
        shared, locked, heap, stacks, committed, swap_cached, swap_total, swap_free, threads;
};

/* Programs that several processes share are counted once. O(processes). */
static struct memory_now memory_now(void)
{
    struct memory_totals totals;
    memory_totals(&totals);
    struct memory_now m = {.total = totals.total / PAGE_SIZE,
                           .free = totals.free / PAGE_SIZE,
                           .files = ramfs_used_pages(),
                           .cache = page_cache_counts.cached,
                           .dirty = page_cache_counts.dirty,
                           .writing = page_cache_counts.writing,
                           .heap = heap_used() / PAGE_SIZE};
    m.swap_cached = swap_slots.cached + swap_slots.kept;
    m.swap_total = swap_total_pages();
    m.swap_free = swap_free_pages();
    m.cached = m.files + m.cache;
    m.available = m.free + m.cache - (m.dirty < m.cache ? m.dirty : m.cache);
    m.heap = m.heap > m.cached ? m.heap - m.cached : 0;
    for (const struct process *p = process_first(); p != NULL;
         p = process_next((struct process *)(uintptr_t)p)) {
        m.threads += p->thread_count;
        const struct program *program = p->program;
        if (program == NULL || program->users == 0)
            continue;
        const struct area_owner *owner = &program->areas;
        m.anonymous += owner->pages[PAGES_ANONYMOUS] / program->users;
        m.mapped += (owner->pages[PAGES_FILE] + owner->pages[PAGES_SHARED]) / program->users;
        m.shared += owner->pages[PAGES_SHARED] / program->users;
        m.locked += areas_bytes_of(owner, AREA_LOCKED, 0) / PAGE_SIZE / program->users;
    }
    m.committed = mem_committed_bytes() / PAGE_SIZE;
    m.stacks = m.threads * (LAYOUT_KSTACK_SIZE / PAGE_SIZE);
    return m;
}

/* A figure by the offset of its field; NONE: nothing of the kind exists. */
#define NONE         UINT8_MAX
#define PAGES(field) (offsetof(struct memory_now, field) / sizeof(uint64_t))

struct memory_row {
    const char *name;
    uint8_t field;
};

static const struct memory_row meminfo_rows[] = {
    {"MemTotal", PAGES(total)},
    {"MemFree", PAGES(free)},
    {"MemAvailable", PAGES(available)},
    {"Buffers", NONE},
    {"Cached", PAGES(cached)},
    {"SwapCached", PAGES(swap_cached)},
    {"Active", PAGES(anonymous)},
    {"Inactive", PAGES(cached)},
    {"Active(anon)", PAGES(anonymous)},
    {"Inactive(anon)", PAGES(files)},
    {"Active(file)", NONE},
    {"Inactive(file)", PAGES(cache)},
    {"Unevictable", PAGES(locked)},
    {"Mlocked", PAGES(locked)},
    {"SwapTotal", PAGES(swap_total)},
    {"SwapFree", PAGES(swap_free)},
    {"Dirty", PAGES(dirty)},
    {"Writeback", PAGES(writing)},
    {"AnonPages", PAGES(anonymous)},
    {"Mapped", PAGES(mapped)},
    {"Shmem", PAGES(files)},
    {"KReclaimable", NONE},
    {"Slab", PAGES(heap)},
    {"SReclaimable", NONE},
    {"SUnreclaim", PAGES(heap)},
    {"KernelStack", PAGES(stacks)},
    {"NFS_Unstable", NONE},
    {"Bounce", NONE},
    {"WritebackTmp", NONE},
    {"CommitLimit", PAGES(total)},
    {"Committed_AS", PAGES(committed)},
};

static uint64_t memory_value(const struct memory_now *now, const struct memory_row *row)
{
    return row->field == NONE ? 0 : ((const uint64_t *)now)[row->field];
}

static void put_meminfo(struct text *text, const char *prefix)
{
    struct memory_now now = memory_now();
    for (size_t i = 0; i < ARRAY_LENGTH(meminfo_rows); i++) {
        const struct memory_row *row = &meminfo_rows[i];
        text_printf(text, "%s%s:", prefix, row->name);
        text_pad(text, text->length - __builtin_strlen(row->name) - 1, 16);
        text_printf(text, "%8lu kB\n", memory_value(&now, row) * (PAGE_SIZE / 1024));
    }
    text_printf(text, "%sHugePages_Total:       0\n%sHugePages_Free:        0\n", prefix, prefix);
    if (*prefix == '\0')
        text_printf(text, "HugePages_Rsvd:        0\nHugePages_Surp:        0\n"
                          "Hugepagesize:       2048 kB\nHugetlb:               0 kB\n");
}

/* Linux's columns: the name is padded to 40. */
void proc_show_swaps(struct text *text, void *context)
{
    (void)context;
    text_printf(text, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    if (swap_device == NULL)
        return;
    size_t line = text->length;
    text_printf(text, "%s", swap_device->name);
    text_pad(text, line, 40);
    uint64_t size = swap_total_pages() * (PAGE_SIZE / 1024),
             used = swap_slots.used * (PAGE_SIZE / 1024);
    text_printf(text, "%s\t%lu\t%s%lu\t%s%d\n",
                swap_device->extent_count > 0 ? "file\t" : "partition", size,
                size < 10000000 ? "\t" : "", used, used < 10000000 ? "\t" : "",
                swap_device->priority);
}

void proc_show_meminfo(struct text *text, void *context)
{
    (void)context;
    put_meminfo(text, "");
}

void proc_show_node_meminfo(struct text *text, void *context)
{
    (void)context;
    put_meminfo(text, "Node 0 ");
}

static const struct memory_row vmstat_rows[] = {
    {"nr_free_pages", PAGES(free)},
    {"nr_zone_inactive_anon", PAGES(files)},
    {"nr_zone_active_anon", PAGES(anonymous)},
    {"nr_zone_inactive_file", NONE},
    {"nr_zone_active_file", NONE},
    {"nr_zone_unevictable", PAGES(locked)},
    {"nr_zone_write_pending", NONE},
    {"nr_mlock", PAGES(locked)},
    {"nr_inactive_anon", PAGES(files)},
    {"nr_active_anon", PAGES(anonymous)},
    {"nr_inactive_file", NONE},
    {"nr_active_file", NONE},
    {"nr_unevictable", PAGES(locked)},
    {"nr_slab_reclaimable", NONE},
    {"nr_slab_unreclaimable", PAGES(heap)},
    {"nr_anon_pages", PAGES(anonymous)},
    {"nr_mapped", PAGES(mapped)},
    {"nr_file_pages", PAGES(files)},
    {"nr_dirty", NONE},
    {"nr_writeback", NONE},
    {"nr_shmem", PAGES(files)},
    {"nr_swapcached", PAGES(swap_cached)},
    {"pgpgin", NONE},
    {"pgpgout", NONE},
};

void proc_show_vmstat(struct text *text, void *context)
{
    (void)context;
    struct memory_now now = memory_now();
    const struct fault_counters *f = &fault_counters;
    const struct paging_counters *p = &paging_counters;
    for (size_t i = 0; i < ARRAY_LENGTH(vmstat_rows); i++)
        text_printf(text, "%s %lu\n", vmstat_rows[i].name, memory_value(&now, &vmstat_rows[i]));
    text_printf(text, "pswpin %lu\npswpout %lu\n", swap_counters.in, swap_counters.out);
    if (swap_device != NULL) /* a hand in another process's space is at 0 */
        text_printf(text, "ouro_clock_front %lu\nouro_clock_back %lu\nouro_clock_evicted %lu\n",
                    swap_clock.front.space == running_space ? swap_clock.front.at.v : 0,
                    swap_clock.back.space == running_space ? swap_clock.back.at.v : 0,
                    swap_clock.evicted);
    text_printf(text, "nr_kernel_stack %lu\n", now.stacks * (PAGE_SIZE / 1024));
    text_printf(text, "pgfault %lu\npgmajfault %lu\nthp_fault_alloc %lu\n",
                f->zero + f->anonymous + f->copied + f->file + f->taken_over, swap_counters.reads,
                f->large);
    text_printf(text,
                "nr_page_table_pages %lu\nnr_tlb_local_flush_all %lu\nnr_tlb_local_flush_one %lu\n",
                p->tables, p->full_flushes, p->page_flushes);
    /* Ouro's own: faults by the page that they made (`ouro run --stats`), flushes of the windows. */
    text_printf(text,
                "ouro_fault_zero %lu\nouro_fault_anonymous %lu\nouro_fault_copied %lu\n"
                "ouro_fault_file %lu\nouro_fault_taken_over %lu\nouro_flush_tables %lu\n",
                f->zero, f->anonymous, f->copied, f->file, f->taken_over, p->table_flushes);
}

void proc_show_zoneinfo(struct text *text, void *context)
{
    (void)context;
    struct memory_now now = memory_now();
    text_printf(text, "Node 0, zone   Normal\n  per-node stats\n");
    for (size_t i = 8; i < ARRAY_LENGTH(vmstat_rows) - 4; i++) {
        size_t line = text->length;
        text_printf(text, "      %s", vmstat_rows[i].name);
        text_pad(text, line, 19);
        text_printf(text, " %lu\n", memory_value(&now, &vmstat_rows[i]));
    }
    text_printf(text,
                "  pages free     %lu\n        boost    0\n        min      0\n"
                "        low      0\n        high     0\n        spanned  %lu\n"
                "        present  %lu\n        managed  %lu\n        cma      0\n",
                now.free, machine_frames.end, now.total, now.total);
    text_printf(text, "  node_unreclaimable:  0\n  start_pfn:           0\n");
}

/* Blocks above Linux's largest order count as several of that order. O(free blocks). */
void proc_show_buddyinfo(struct text *text, void *context)
{
    (void)context;
    uint64_t counts[LINUX_ORDERS] = {machine_frames.kept != FRAME_NONE};
    for (unsigned order = 0; order <= FRAMES_ORDER_MAX; order++) {
        unsigned to = order < LINUX_ORDERS ? order : LINUX_ORDERS - 1;
        for (uint32_t f = machine_frames.heads[order]; f != FRAME_NONE;
             f = machine_frames.frame[f].next)
            counts[to] += UINT64_C(1) << (order - to);
    }
    text_printf(text, "Node 0, zone   Normal ");
    for (unsigned order = 0; order < LINUX_ORDERS; order++)
        text_printf(text, "%6lu ", counts[order]);
    text_printf(text, "\n");
}
