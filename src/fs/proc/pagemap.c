/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/pagemap and clear_refs (proc(5)). Linux tracks writes by write protection and faults;
 * here "soft-dirty" is the dirty bit of the page tables, so tracking costs the program nothing. In
 * an area that is newer than the last clearing (without AREA_CLEAN) all pages are soft-dirty,
 * mapped or not.
 */
#include "fs/proc/procfs.h"

#include "base/str.h"
#include "fs/proc/process_text.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file.h"
#include "kern/space.h"
#include "kern/thread.h"
#include "mm/init/memory.h"
#include "mm/layout.h"
#include "mm/phys/frames.h"
#include "mm/pt/paging.h"
#include "mm/vm/areas.h"

#define ENTRY_SIZE      sizeof(uint64_t)
#define CHUNK_PAGES     128
#define CLEAR_REFS_SIZE 12 /* bytes of a write that are read, as on Linux */

/* Documentation/admin-guide/mm/pagemap.rst */
#define PM_SOFT_DIRTY (UINT64_C(1) << 55)
#define PM_EXCLUSIVE  (UINT64_C(1) << 56)
#define PM_FILE       (UINT64_C(1) << 61)
#define PM_SWAP       (UINT64_C(1) << 62) /* bits 0-4: number of the device, 5-54: slot */
#define PM_SWAP_SHIFT 5
#define PM_PRESENT    (UINT64_C(1) << 63)

struct chunk {
    struct address_space *space;
    struct virt_range range;
    bool show_frames;
    const struct area *area;
    uint64_t entries[CHUNK_PAGES];
};

/* True for a page of a file, or of shared memory; false for a private copy. */
static bool of_file(const struct area *area, pte_t entry)
{
    return area->flags & AREA_SHARED || (area->kind == AREA_FILE && pt_leaf_is_borrowed(entry));
}

static uint64_t pagemap_describe(const struct chunk *c, phys_t block, phys_t frame, pte_t entry)
{
    uint64_t v = PM_PRESENT | (entry.v & (PTE_D | PTE_LAZYFREE | PTE_WRITTEN) ? PM_SOFT_DIRTY : 0);
    if (c->show_frames)
        v |= frame.v >> PAGE_SHIFT;
    if (frame.v == memory_zero_frame().v)
        return v; /* the zero page is neither PM_FILE nor PM_EXCLUSIVE, as on Linux */
    if (of_file(c->area, entry))
        return v | PM_FILE | (frames_mappings(&machine_frames, frame) <= 1 ? PM_EXCLUSIVE : 0);
    if (frames_is_split(&machine_frames, block))
        block = frame;
    return v | (frames_references(&machine_frames, block) <= 1 ? PM_EXCLUSIVE : 0);
}

static void note_leaf(void *context, virt_t at, int level, pte_t entry)
{
    struct chunk *c = context;
    if (pt_swapped(entry)) {
        c->entries[(at.v - c->range.start.v) >> PAGE_SHIFT] =
            PM_SWAP | (entry.v & PTE_WRITTEN ? PM_SOFT_DIRTY : 0) |
            (c->show_frames ? (uint64_t)pt_swapped_slot(entry) << PM_SWAP_SHIFT : 0);
        return;
    }
    if (!(entry.v & PTE_P))
        return; /* PROT_NONE */
    phys_t block = phys(entry.v & PTE_ADDRESS & ~(pt_span(level) - 1));
    for (uint64_t inside = 0; inside < pt_span(level); inside += PAGE_SIZE) {
        virt_t page = virt(at.v + inside);
        if (virt_range_contains(c->range, page))
            c->entries[(page.v - c->range.start.v) >> PAGE_SHIFT] =
                pagemap_describe(c, block, phys(block.v + inside), entry);
    }
}

/* Fills in the entries of the pages of one area. */
static void note_area(struct chunk *c, const struct area *area)
{
    struct virt_range part = area->range;
    if (part.start.v < c->range.start.v)
        part.start = c->range.start;
    if (part.end.v > c->range.end.v)
        part.end = c->range.end;
    c->area = area;
    struct address_space *before = thread_use_space(c->space);
    paging_visit_kept(c->space, part, note_leaf, c);
    (void)thread_use_space(before);
    for (uint64_t v = part.start.v; !(area->flags & AREA_CLEAN) && v < part.end.v; v += PAGE_SIZE)
        c->entries[(v - c->range.start.v) >> PAGE_SHIFT] |= PM_SOFT_DIRTY;
}

static void pagemap_fill(struct chunk *c, const struct fs_process *process)
{
    memset(c->entries, 0, sizeof c->entries);
    for (const struct area *a = procfs_next_area(process, c->range.start);
         a != NULL && a->range.start.v < c->range.end.v;
         a = procfs_next_area(process, a->range.end))
        if (a->kind != AREA_GUARD)
            note_area(c, a);
}

static enum err open_traced(struct file *file)
{
    return fs_check_trace((uint32_t)(uintptr_t)procfs_subject(file), true);
}

static enum err pagemap_read(struct file *file, struct io *io, uint64_t *offset)
{
    struct fs_process process;
    if (!is_aligned(*offset | io_left(io), ENTRY_SIZE))
        return E_INVAL;
    procfs_describe(procfs_subject(file), &process);
    struct chunk chunk = {.show_frames = capable(CAP_SYS_ADMIN)};
    uint64_t end = LAYOUT_PROGRAM_END >> PAGE_SHIFT, page = *offset / ENTRY_SIZE;
    enum err e = E_OK;
    while (e == E_OK && io_left(io) > 0 && page < end) {
        uint64_t count = io_left(io) / ENTRY_SIZE, before = io_left(io);
        if (count > CHUNK_PAGES)
            count = CHUNK_PAGES;
        if (count > end - page)
            count = end - page;
        chunk.space = process.space; /* another after an exec */
        chunk.range = virt_range(page << PAGE_SHIFT, (page + count) << PAGE_SHIFT);
        pagemap_fill(&chunk, &process);
        e = io_put_waiting(io, chunk.entries, count * ENTRY_SIZE);
        *offset += before - io_left(io);
        page += count;
        file_give_way(file, offset, false);
        procfs_describe(procfs_subject(file), &process);
    }
    return e;
}

enum { /* values of clear_refs */
    CLEAR_REFS_ALL = 1,
    CLEAR_REFS_ANONYMOUS,
    CLEAR_REFS_MAPPED,
    CLEAR_REFS_SOFT_DIRTY,
    CLEAR_REFS_PEAK, /* VmHWM becomes the present value */
};

static bool chosen(const struct area *area, int what)
{
    bool file = area->kind == AREA_FILE;
    return area->kind != AREA_GUARD && !(what == CLEAR_REFS_ANONYMOUS && file) &&
           !(what == CLEAR_REFS_MAPPED && !file);
}

static void pagemap_clear(int what, const struct fs_process *process)
{
    uint64_t bits = what == CLEAR_REFS_SOFT_DIRTY ? PTE_D : PTE_A;
    if (process->memory == NULL)
        return;
    if (what == CLEAR_REFS_PEAK) {
        process->memory->pages_peak = 0;
        return;
    }
    for (const struct area *a = procfs_next_area(process, virt(0)); a != NULL;
         a = procfs_next_area(process, a->range.end))
        if (chosen(a, what)) {
            struct address_space *before = thread_use_space(process->space);
            (void)paging_harvest(process->space, a->range, bits, bits, NULL);
            (void)thread_use_space(before);
        }
    if (what == CLEAR_REFS_SOFT_DIRTY)
        areas_mark_clean(process->space, process->memory);
}

/* As Linux's kstrtoint(): a decimal number with an optional plus sign, between white space. */
static bool parse(const char *bytes, size_t size, int *out)
{
    const char *p = bytes, *end = bytes + size;
    while (p < end && (*p == ' ' || (*p >= '\t' && *p <= '\r')))
        p++;
    while (end > p && (end[-1] == ' ' || (end[-1] >= '\t' && end[-1] <= '\r')))
        end--;
    if (p < end && *p == '+')
        p++;
    int value = 0;
    if (p == end)
        return false;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        value = value < 1000 ? value * 10 + (*p - '0') : value;
    }
    *out = value;
    return true;
}

static enum err clear_refs_write(struct file *file, struct io *io, uint64_t *offset)
{
    struct fs_process process;
    char text[CLEAR_REFS_SIZE];
    uint64_t size = io_left(io) < sizeof text ? io_left(io) : sizeof text;
    struct io start = *io;
    int what = 0;
    enum err e = io_take(io, text, size);
    if (e == E_OK && (!parse(text, size, &what) || what < CLEAR_REFS_ALL || what > CLEAR_REFS_PEAK))
        e = E_INVAL;
    if (e != E_OK) {
        *io = start; /* no byte counts as written */
        return e;
    }
    procfs_describe(procfs_subject(file), &process);
    pagemap_clear(what, &process);
    *offset += size;
    return E_OK;
}

const struct file_ops procfs_pagemap_ops = {
    .open = open_traced, .read = pagemap_read, .seekable = true};
const struct file_ops procfs_clear_refs_ops = {
    .open = open_traced, .write = clear_refs_write, .seekable = true};
