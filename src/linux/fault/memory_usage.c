/* SPDX-License-Identifier: MIT */
/* Memory by its use, for the report of a shortage: areas, files, page tables, kernel. */
#include "base/fmt.h"
#include "base/str.h"
#include "diag/report.h"
#include "fs/proc/process_text.h"
#include "fs/ram/ramfs.h"
#include "kern/swap.h"
#include "kern/thread.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"
#include "mm/heap/kstack.h"
#include "mm/init/memory.h"
#include "mm/phys/frames.h"
#include "mm/pt/paging.h"
#include "mm/vm/areas.h"

#define SHOWN      6
#define PROCESSES  20  /* shown at most */
#define WORTH_LINE 128 /* areas with a smaller share of memory are not shown */
#define KIB(bytes) ((unsigned long long)((bytes) / 1024))

/* The areas with the most pages of their own, in descending order. */
static struct {
    const struct area *area;
    uint64_t bytes, swapped;
} top[SHOWN];
static unsigned top_count;

struct count {
    const struct area *area;
    uint64_t bytes, swapped;
};

/* Counts anonymous pages only: pages of files, the archive and the zero page are not the area's
 * own. */
static void count_leaf(void *context, virt_t at, int level, pte_t entry)
{
    struct count *count = context;
    (void)at;
    if (pt_swapped(entry)) {
        count->swapped += PAGE_SIZE;
        return;
    }
    if (!pt_leaf_is_borrowed(entry) && !(count->area->flags & AREA_SHARED) &&
        frames_references(&machine_frames, phys(entry.v & PTE_ADDRESS & ~(pt_span(level) - 1))) > 0)
        count->bytes += pt_span(level);
}

static void memory_usage_enter(const struct count *count)
{
    unsigned place = top_count;
    uint64_t all = count->bytes + count->swapped;
    while (place > 0 && top[place - 1].bytes + top[place - 1].swapped < all)
        place--;
    if (place == SHOWN)
        return;
    if (top_count < SHOWN)
        top_count++;
    for (unsigned i = top_count - 1; i > place; i--)
        top[i] = top[i - 1];
    top[place].area = count->area;
    top[place].bytes = count->bytes;
    top[place].swapped = count->swapped;
}

/* Counts all areas; returns the total in bytes. */
static uint64_t count_areas(void)
{
    uint64_t all = 0;
    top_count = 0;
    for (const struct area *a = areas_next(running_space, virt(0)); a != NULL;
         a = areas_after(running_space, a)) {
        struct count count = {.area = a};
        paging_visit_kept(running_space, a->range, count_leaf, &count);
        all += count.bytes;
        if (count.bytes + count.swapped >= memory_total() / WORTH_LINE)
            memory_usage_enter(&count);
    }
    return all;
}

static void usage_append(char *to, size_t size, const char *format, unsigned long long number)
{
    size_t length = strlen(to);
    fmt_snprintf(to + length, size - length, format, number);
}

static void all_line(char *to, size_t size)
{
    struct memory_totals totals;
    memory_totals(&totals);
    uint64_t program = count_areas(), files = ramfs_used_pages() * PAGE_SIZE;
    uint64_t tables = paging_counters.tables * PAGE_SIZE, stacks = kstack_bytes();
    uint64_t heap = heap_used() > files ? heap_used() - files : 0;
    uint64_t known = totals.free + program + files + tables + stacks + heap;
    fmt_snprintf(
        to, size,
        "program %llu KiB, files %llu KiB, page tables %llu KiB, kernel stacks %llu KiB, kernel heap %llu KiB, else %llu KiB",
        KIB(program), KIB(files), KIB(tables), KIB(stacks), KIB(heap),
        totals.total > known ? KIB(totals.total - known) : 0);
    if (swap_device != NULL) {
        usage_append(to, size, "; swap %llu KiB", KIB(swap_total_pages() * PAGE_SIZE));
        usage_append(to, size, ", of which %llu KiB are free", KIB(swap_free_pages() * PAGE_SIZE));
    }
}

/* The n-th process with memory, if there are several. */
static bool process_line(unsigned n, char *to, size_t size)
{
    struct process *p = process_first();
    if (process_next(p) == NULL || n >= PROCESSES)
        return false;
    while (p != NULL && (p->program == NULL || p->zombie || n-- > 0))
        p = process_next(p);
    if (p == NULL)
        return false;
    const struct area_owner *owner = &p->program->areas;
    const struct thread *thread = p->leader->thread;
    fmt_snprintf(
        to, size,
        "process %d \"%s\", child of %d: %llu KiB, %llu of them its own or shared since fork()",
        p->pid, thread != NULL ? thread->name : "", p->ppid, KIB(areas_pages_of(owner) * PAGE_SIZE),
        KIB(owner->pages[PAGES_ANONYMOUS] * PAGE_SIZE));
    if (owner->swapped > 0)
        usage_append(to, size, ", and %llu KiB on disk", KIB(owner->swapped * PAGE_SIZE));
    return true;
}

bool report_usage_line(unsigned n, char *to, size_t size)
{
    static char name[200];
    if (n == 0) {
        all_line(to, size);
        return true;
    }
    if (n > top_count)
        return process_line(n - top_count - 1, to, size);
    const struct area *a = top[n - 1].area;
    const char *what = procfs_area_name(a, name, sizeof name);
    if (top[n - 1].swapped > 0) {
        fmt_snprintf(to, size, "%llu KiB, and %llu KiB on disk, of the %llu KiB at 0x%llx: %s",
                     KIB(top[n - 1].bytes), KIB(top[n - 1].swapped), KIB(virt_range_size(a->range)),
                     (unsigned long long)a->range.start.v,
                     what[0] != '\0' ? what : "anonymous memory");
        return true;
    }
    fmt_snprintf(to, size, "%llu KiB of the %llu KiB at 0x%llx: %s", KIB(top[n - 1].bytes),
                 KIB(virt_range_size(a->range)), (unsigned long long)a->range.start.v,
                 what[0] != '\0' ? what : "anonymous memory");
    return true;
}
