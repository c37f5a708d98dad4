/* SPDX-License-Identifier: MIT */
/*
 * /proc/pagetables. A piece of the tables is visited, then printed, because nothing may be allocated
 * during a visit: growth of the heap changes the tables.
 */
#include "fs/proc/process_text.h"

#include "base/sections.h"
#include "fs/vfs/abi.h"
#include "fs/vfs/wait.h"
#include "mm/heap/heap.h"
#include "mm/layout.h"
#include "mm/pt/dump.h"

/* Runs of a piece at most: each leaf of its tables and each step of areas_piece_of() is one; and the one
 * that goes on. */
#define PIECE_TABLES 4
#define PIECE_RUNS   (PIECE_TABLES * PT_ENTRIES + AREAS_PIECE_STEPS + 1)

struct region {
    virt_t start, end;
    const char *name;
};

#define REGION(start, end, name)                                                                   \
    {                                                                                              \
        {start}, {end}, name                                                                       \
    }

/* Regions of the kernel's half, by ascending address. */
static const struct region slots[] = {
    REGION(LAYOUT_HEAP_START, LAYOUT_HEAP_END, "kernel heap"),
    REGION(LAYOUT_KSTACK_START, LAYOUT_KSTACK_END, "kernel stacks"),
    REGION(LAYOUT_DEVICE_START, LAYOUT_DEVICE_END, "devices, root archive"),
    REGION(LAYOUT_FRAMES_START, LAYOUT_FRAMES_END, "frame metadata"),
    REGION(LAYOUT_SCRATCH, LAYOUT_SCRATCH_PIN + PAGE_SIZE, "scratch page"),
    REGION(LAYOUT_PHYSICAL_START, LAYOUT_PHYSICAL_END, "RAM at its physical address"),
    REGION(LAYOUT_TEMPORARY_START, LAYOUT_TEMPORARY_END, "slots for page tables"),
};

static bool image_region(virt_t v, struct region *out)
{
    const struct region parts[] = {
        {virt_of(image_start), virt_of(init_text_end), "boot code and data"},
        {virt_of(text_start), virt_of(text_end), "kernel code"},
        {virt_of(rodata_start), virt_of(rodata_end), "kernel constants"},
        {virt_of(ro_after_init_start), virt_of(ro_after_init_end),
         "kernel data, sealed after boot"},
        {virt_of(data_start), virt_of(data_end), "kernel data"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
        if (v.v >= parts[i].start.v && v.v < parts[i].end.v) {
            *out = parts[i];
            return true;
        }
    return false;
}

static struct region region_of(virt_t v)
{
    struct region found;
    if (image_region(v, &found))
        return found;
    for (size_t i = 0; i < ARRAY_LENGTH(slots); i++) {
        if (v.v < slots[i].start.v)
            return (struct region){v, slots[i].start, "?"};
        if (v.v < slots[i].end.v)
            return slots[i];
    }
    return (struct region){v, virt(UINT64_MAX), "?"};
}

static virt_t region_end(virt_t v)
{
    if (v.v >= LAYOUT_PROGRAM_END)
        return region_of(v).end;
    const struct area *area = areas_find(running_space, v);
    return area != NULL ? area->range.end : virt(v.v + PAGE_SIZE);
}

static const char *pagetables_name_of(virt_t v, char *buffer, size_t size)
{
    if (v.v >= LAYOUT_PROGRAM_END)
        return region_of(v).name;
    const struct area *area = areas_find(running_space, v);
    if (area == NULL)
        return "?";
    const char *name = procfs_area_name(area, buffer, size);
    return *name != '\0' ? name : area->flags & AREA_IMAGE ? "[bss]" : "[anonymous]";
}

/* Lists the slots of the level-4 table that refer to the table itself. Its frame is found through
 * the program window: the address with the window's slot at all four levels. */
static void show_windows(struct text *text)
{
    uint64_t slot = paging_program_window >> 39 & (PT_ENTRIES - 1);
    phys_t root;
    if (!paging_translate(
            running_space,
            virt(paging_program_window | slot << 30 | slot << LARGE_SHIFT | slot << PAGE_SHIFT),
            &root))
        return;
    for (uint64_t v = LAYOUT_WINDOWS_START; v < LAYOUT_WINDOWS_END; v += pt_span(PT_LEVELS)) {
        struct pt_walk walk;
        paging_walk(running_space, virt(v), &walk);
        uint64_t entry = walk.entry[PT_LEVELS].v;
        if (!(entry & PTE_P) || (entry & PTE_ADDRESS) != root.v)
            continue;
        text_printf(text,
                    "%016lx-%016lx     512G      r%c%c the level-4 table itself, slot %lu: %s\n", v,
                    v + pt_span(PT_LEVELS), entry & PTE_W ? 'w' : '-', entry & PTE_NX ? '-' : 'x',
                    v >> 39 & (PT_ENTRIES - 1),
                    v == paging_program_window ? "the program's window" : "the kernel's window");
    }
}

static void show_run(struct text *text, const struct ptdump_run *run, char *buffer, size_t size)
{
    char line[PTDUMP_LINE_MAX];
    ptdump_line(run, line, sizeof line);
    text_printf(text, "%s%s\n", line, pagetables_name_of(run->range.start, buffer, size));
}

/* Prints the tables of the range by pieces, and lets other threads run between its lines. The last run
 * of a piece may go on in the next. */
static void show_range(struct text *text, virt_t start, virt_t end, struct ptdump *dump,
                       char *buffer)
{
    size_t shown;
    dump->count = 0;
    for (struct virt_range rest = {start, end}; rest.start.v < end.v;) {
        struct virt_range piece = areas_piece_of(running_space, rest, PIECE_TABLES);
        paging_visit(running_space, piece, ptdump_leaf, dump);
        rest.start = piece.end;
        bool last = piece.end.v == end.v;
        for (shown = 0; shown + !last < dump->count; shown++) {
            show_run(text, &dump->runs[shown], buffer, PATH_MAX_SIZE);
            fs_give_way();
        }
        dump->runs[0] = dump->last;
        dump->count -= shown;
        fs_give_way();
    }
}

void procfs_show_pagetables(struct text *text, void *context)
{
    (void)context;
    char *buffer = heap_alloc(PATH_MAX_SIZE);
    struct ptdump dump = {.region_end = region_end, .capacity = PIECE_RUNS};
    dump.runs = heap_alloc(PIECE_RUNS * sizeof *dump.runs);
    if (buffer != NULL && dump.runs != NULL) {
        text_printf(text, "%s\n---- the program\n", ptdump_heading());
        show_range(text, virt(0), virt(LAYOUT_PROGRAM_END), &dump, buffer);
        text_printf(text, "---- windows on the page tables\n");
        show_windows(text);
        text_printf(text, "---- the kernel\n");
        show_range(text, virt(LAYOUT_HEAP_START), virt(UINT64_MAX - PAGE_MASK), &dump, buffer);
    } else {
        text->failed = true;
    }
    heap_free(dump.runs);
    heap_free(buffer);
}
