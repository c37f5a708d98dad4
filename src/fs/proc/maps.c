/* SPDX-License-Identifier: MIT */
/* /proc/PID/maps, smaps, smaps_rollup and statm (proc(5)). */
#include "fs/proc/process_text.h"

#include "base/str.h"
#include "fs/ram/ramfs_file.h"
#include "fs/vfs/location.h"
#include "fs/vfs/process.h"
#include "fs/vfs/wait.h"
#include "kern/space.h"
#include "kern/thread.h"
#include "mm/heap/heap.h"
#include "mm/init/memory.h"
#include "mm/phys/frames.h"
#include "mm/pt/paging.h"
#include "mm/vm/areas.h"
#include "mm/vm/slots.h"

#define MAPS_NAME_COLUMN 73 /* of an area's name, as on Linux */

/* The page of three system calls, which is no mapping; Linux shows it after the areas (linux/fault/raised.h). */
static const struct area vsyscall_area = {
    .range = {{UINT64_C(0xffffffffff600000)}, {UINT64_C(0xffffffffff601000)}},
    .kind = AREA_ANONYMOUS,
    .prot = {PROT_BIT_EXECUTE},
};

static bool is_vsyscall(const struct area *area)
{
    return area->range.start.v == vsyscall_area.range.start.v;
}

static uint64_t device_of(struct page_source *source)
{
    const struct inode *inode = inode_of_source(source);
    return inode ? inode->fs->device : 0;
}

struct location procfs_area_location(const struct area *area)
{
    const struct inode *inode = inode_of_source(area->source);
    return inode ? (struct location){inode->mapped_in, inode->mapped_as} : (struct location){0};
}

const char *procfs_area_name(const struct area *area, char *buffer, size_t size)
{
    if (area->source) {
        area->source->ops->name(area->source, buffer, size);
        return buffer;
    }
    if (area->kind == AREA_GUARD)
        return "[anon:guard]"; /* Linux's form for named anonymous memory (PR_SET_VMA) */
    if (is_vsyscall(area))
        return "[vsyscall]";
    if (area->flags & AREA_STACK)
        return "[stack]";
    return (area->flags & AREA_HEAP) ? "[heap]" : "";
}

/* A newline in a name must not end the line. */
static void put_name(struct text *text, const char *name)
{
    for (; *name != '\0'; name++) {
        if (*name == '\n')
            text_printf(text, "\\012");
        else
            text_append(text, name, 1);
    }
}

static void show_area(struct text *text, const struct area *area, char *buffer, size_t size)
{
    size_t line = text->length;
    bool guard = area->kind == AREA_GUARD;
    uint64_t device = device_of(area->source);
    uint64_t ino = area->source ? area->source->ops->inode(area->source) : 0;
    text_printf(text, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", area->range.start.v,
                area->range.end.v, !guard && prot_can_read(area->prot) ? 'r' : '-',
                !guard && prot_can_write(area->prot) ? 'w' : '-',
                !guard && prot_can_execute(area->prot) ? 'x' : '-',
                (area->flags & AREA_SHARED) ? 's' : 'p', area->source ? area->offset : 0,
                device_major(device), device_minor(device), ino);
    const char *name = procfs_area_name(area, buffer, size);
    if (*name != '\0') {
        text_pad(text, line, MAPS_NAME_COLUMN);
        put_name(text, name);
    }
    text_append(text, "\n", 1);
}

const struct area *procfs_next_area(const struct fs_process *process, virt_t v)
{
    const struct area *area = process->context ? areas_next(process->space, v) : NULL;
    while (area && area->owner != process->memory)
        area = areas_next(process->space, area->range.end);
    return area;
}

/* Lets other threads run, then describes the process and finds its first area that ends above `next`
 * again. */
static const struct area *area_after_giving_way(const void *subject, struct fs_process *process,
                                                virt_t next)
{
    fs_give_way();
    procfs_describe(subject, process);
    return procfs_next_area(process, next);
}

static void show_areas(struct text *text, const void *subject,
                       void (*more)(struct text *text, const void *subject,
                                    struct fs_process *process, const struct area *area))
{
    struct fs_process process;
    procfs_describe(subject, &process);
    char *buffer = heap_alloc(PATH_MAX_SIZE);
    if (!buffer) {
        text->failed = true;
        return;
    }
    const struct area *area = procfs_next_area(&process, virt(0));
    while (process.context) {
        if (!area)
            area = &vsyscall_area;
        show_area(text, area, buffer, PATH_MAX_SIZE);
        virt_t next = area->range.end;
        if (more)
            more(text, subject, &process, area);
        if (next.v == vsyscall_area.range.end.v)
            break;
        area = area_after_giving_way(subject, &process, next);
    }
    heap_free(buffer);
}

void procfs_show_maps(struct text *text, void *context)
{
    show_areas(text, context, NULL);
}

/* ---- memory use of an area ---- */

struct measured {
    const struct area *area;
    struct procfs_usage *out;
};

static void add_file_page(phys_t frame, bool shared, struct procfs_usage *out)
{
    uint64_t times = frames_mappings(&machine_frames, frame);
    if (times == 0)
        times = 1;
    /* A file's own page has no backing store, so it is always dirty; a page of the archive is
     * clean. */
    bool dirty = frames_references(&machine_frames, frame) != 0;
    out->resident += PAGE_SIZE;
    out->file += PAGE_SIZE;
    out->share += PAGE_SIZE / times;
    *(shared ? &out->share_shared : &out->share_file) += PAGE_SIZE / times;
    out->share_dirty += dirty ? PAGE_SIZE / times : 0;
    if (times > 1)
        *(dirty ? &out->shared_dirty : &out->shared_clean) += PAGE_SIZE;
    else
        *(dirty ? &out->private_dirty : &out->private_clean) += PAGE_SIZE;
}

/* The zero page does not count, as on Linux; a page without permissions (PROT_NONE) does. */
static void add_leaf(void *context, virt_t at, int level, pte_t leaf)
{
    const struct measured *measured = context;
    struct procfs_usage *out = measured->out;
    const struct area *a = measured->area;
    uint64_t size = pt_span(level);
    (void)at;
    if (unlikely(pt_swapped(leaf))) {
        out->swapped += size;
        out->swap_share += size / swap_slots.slot[pt_swapped_slot(leaf)].references;
        return;
    }
    if ((leaf.v & PTE_ADDRESS) == memory_zero_frame().v)
        return;
    if (leaf.v & PTE_A)
        out->referenced += size;
    if (a->source && (pt_leaf_is_borrowed(leaf) || a->flags & AREA_SHARED)) {
        add_file_page(phys(leaf.v & PTE_ADDRESS), a->flags & AREA_SHARED, out);
        return;
    }
    uint64_t users =
        leaf.v & PTE_FORKED ? frames_references(&machine_frames, pt_leaf_frame(leaf, size)) : 1;
    out->resident += size;
    out->share += size / users;
    out->share_dirty += size / users;
    *(users > 1 ? &out->shared_dirty : &out->private_dirty) += size;
    out->anonymous += size;
    out->lazyfree += paging_is_lazyfree(leaf) ? size : 0;
    out->large += size > PAGE_SIZE ? size : 0;
}

#define MEASURED_TABLES 4 /* page tables between preemption points */

/* Gives way: `area` is a copy. What changes meanwhile counts as it is when its part is reached. */
static void maps_measure_area(const void *subject, struct fs_process *process,
                              const struct area *area, struct procfs_usage *out)
{
    struct measured measured = {area, out};
    struct virt_range rest = area->range;
    *out = (struct procfs_usage){.size = virt_range_size(rest)};
    const struct area *now = area->kind != AREA_GUARD ? area : NULL;
    while (now && now->range.start.v <= rest.start.v) {
        if (now->range.end.v < rest.end.v)
            rest.end = now->range.end;
        struct address_space *before = thread_use_space(process->space);
        struct virt_range piece = areas_piece_of(process->space, rest, MEASURED_TABLES);
        paging_visit_kept(process->space, piece, add_leaf, &measured);
        (void)thread_use_space(before);
        rest.start = piece.end;
        if (rest.start.v >= rest.end.v)
            break;
        now = area_after_giving_way(subject, process, rest.start);
    }
    if (area->flags & AREA_LOCKED)
        out->locked = out->share;
}

static void maps_put_size(struct text *text, const char *label, uint64_t bytes)
{
    char line[48]; /* a label is at most 15 bytes; not by text_printf(): smaps has many lines */
    uint64_t number = bytes / 1024;
    char *at = line + sizeof(line) - 4;
    memcpy(at, " kB\n", 4);
    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    size_t length = strlen(label), digits = (size_t)(line + sizeof(line) - 4 - at);
    size_t start = digits < 8 ? 24 - digits : 16;
    memset(line, ' ', start);
    memcpy(line, label, length);
    line[length] = ':';
    memmove(line + start, at, digits + 4);
    text_append(text, line, start + digits + 4);
}

static void maps_put_usage(struct text *text, const struct procfs_usage *u, bool all)
{
    maps_put_size(text, "Rss", u->resident);
    maps_put_size(text, "Pss", u->share);
    maps_put_size(text, "Pss_Dirty", u->share_dirty);
    if (all) {
        maps_put_size(text, "Pss_Anon", u->share - u->share_file - u->share_shared);
        maps_put_size(text, "Pss_File", u->share_file);
        maps_put_size(text, "Pss_Shmem", u->share_shared);
    }
    maps_put_size(text, "Shared_Clean", u->shared_clean);
    maps_put_size(text, "Shared_Dirty", u->shared_dirty);
    maps_put_size(text, "Private_Clean", u->private_clean);
    maps_put_size(text, "Private_Dirty", u->private_dirty);
    maps_put_size(text, "Referenced", u->referenced);
    maps_put_size(text, "Anonymous", u->anonymous);
    maps_put_size(text, "LazyFree", u->lazyfree);
    maps_put_size(text, "AnonHugePages", u->large);
    maps_put_size(text, "ShmemPmdMapped", 0);
    maps_put_size(text, "FilePmdMapped", 0);
    maps_put_size(text, "Shared_Hugetlb", 0);
    maps_put_size(text, "Private_Hugetlb", 0);
    maps_put_size(text, "Swap", u->swapped);
    maps_put_size(text, "SwapPss", u->swap_share);
    maps_put_size(text, "Locked", u->locked);
}

/* In the order of Linux's bits. */
static void maps_put_flags(struct text *text, const struct area *a)
{
    static const struct {
        uint32_t flag;
        const char *word;
    } words[] = {
        {AREA_GROWS_DOWN, "gd"},
        {AREA_LOCKED, "lo"},
        {AREA_SEQUENTIAL, "sr"},
        {AREA_RANDOM, "rr"},
        {AREA_DONT_FORK, "dc"},
        {AREA_LOCK_ON_FAULT, "lf"},
        {0, "ac"},
        {AREA_NO_RESERVE, "nr"},
        {AREA_WIPE_ON_FORK, "wf"},
        {AREA_DONT_DUMP, "dd"},
        {AREA_CLEAN, "sd"},
        {AREA_HUGE, "hg"},
        {AREA_NO_HUGE, "nh"},
        {AREA_MERGEABLE, "mg"},
    };
    if (is_vsyscall(a)) {
        text_printf(text, "VmFlags: ex \n");
        return;
    }
    bool shared = a->flags & AREA_SHARED, fixed = a->flags & AREA_READ_ONLY;
    bool accounted = !shared && prot_can_write(a->prot) && !(a->flags & AREA_NO_RESERVE);
    text_printf(text, "VmFlags:%s%s%s%s mr%s me%s", prot_can_read(a->prot) ? " rd" : "",
                prot_can_write(a->prot) ? " wr" : "", prot_can_execute(a->prot) ? " ex" : "",
                shared && !fixed ? " sh" : "", fixed ? "" : " mw", shared ? " ms" : "");
    uint32_t flags = a->flags ^ AREA_CLEAN; /* "sd" is its opposite */
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        if (words[i].flag == 0 ? accounted : (flags & words[i].flag) != 0)
            text_printf(text, " %s", words[i].word);
    text_printf(text, " \n");
}

static bool may_have_large(const struct area *a)
{
    uint64_t first = align_up(a->range.start.v, LARGE_SIZE);
    return areas_policy().large_pages && a->kind == AREA_ANONYMOUS &&
           !(a->flags & (AREA_NO_HUGE | AREA_GROWS_DOWN)) && first + LARGE_SIZE <= a->range.end.v;
}

static void show_usage(struct text *text, const void *subject, struct fs_process *process,
                       const struct area *shown)
{
    struct procfs_usage usage;
    const struct area copy = *shown, *area = &copy;
    maps_measure_area(subject, process, area, &usage);
    maps_put_size(text, "Size", usage.size);
    maps_put_size(text, "KernelPageSize", PAGE_SIZE);
    maps_put_size(text, "MMUPageSize", PAGE_SIZE);
    maps_put_usage(text, &usage, false);
    text_printf(text, "THPeligible:    %8u\n", may_have_large(area));
    maps_put_flags(text, area);
}

void procfs_show_smaps(struct text *text, void *context)
{
    show_areas(text, context, show_usage);
}

void procfs_show_smaps_rollup(struct text *text, void *context)
{
    struct fs_process process;
    procfs_describe(context, &process);
    uint64_t sum[sizeof(struct procfs_usage) / sizeof(uint64_t)] = {0};
    struct virt_range all = {virt(0), virt(0)};
    const struct area *area = procfs_next_area(&process, virt(0));
    if (area)
        all.start = area->range.start;
    while (area) {
        const struct area copy = *area;
        struct procfs_usage usage;
        uint64_t words[ARRAY_LENGTH(sum)];
        maps_measure_area(context, &process, &copy, &usage);
        memcpy(words, &usage, sizeof(words));
        for (size_t i = 0; i < ARRAY_LENGTH(sum); i++)
            sum[i] += words[i];
        all.end = copy.range.end;
        area = area_after_giving_way(context, &process, copy.range.end);
    }
    struct procfs_usage total;
    memcpy(&total, sum, sizeof(total));
    size_t line = text->length;
    text_printf(text, "%08lx-%08lx ---p 00000000 00:00 0 ", all.start.v, all.end.v);
    text_pad(text, line, MAPS_NAME_COLUMN);
    text_printf(text, "[rollup]\n");
    maps_put_usage(text, &total, true);
}

void procfs_measure(const struct fs_process *process, struct procfs_sizes *out)
{
    const struct area_owner *m = process->context ? process->memory : NULL;
    *out = (struct procfs_sizes){0};
    if (!m)
        return;
    uint64_t stack = areas_bytes_of(m, AREA_GROWS_DOWN, 0);
    uint64_t code = areas_bytes_of(m, PROT_BIT_EXECUTE, AREA_GROWS_DOWN);
    uint64_t data =
        areas_bytes_of(m, PROT_BIT_WRITE, PROT_BIT_EXECUTE | AREA_SHARED | AREA_GROWS_DOWN);
    *out = (struct procfs_sizes){
        .all = m->bytes / PAGE_SIZE,
        .peak = m->peak / PAGE_SIZE,
        .resident = areas_pages_of(m),
        .resident_peak = areas_peak_pages(m),
        .file = m->pages[PAGES_FILE],
        .shared_memory = m->pages[PAGES_SHARED],
        .code = code / PAGE_SIZE,
        .data = data / PAGE_SIZE,
        .stack = stack / PAGE_SIZE,
        .locked = areas_bytes_of(m, AREA_LOCKED, 0) / PAGE_SIZE,
        .swapped = m->swapped,
    };
}

void procfs_show_statm(struct text *text, void *context)
{
    struct fs_process process;
    struct procfs_sizes s;
    procfs_describe(context, &process);
    procfs_measure(&process, &s);
    text_printf(text, "%lu %lu %lu %lu 0 %lu 0\n", s.all, s.resident, s.file + s.shared_memory,
                s.code, s.data + s.stack);
}
