/* SPDX-License-Identifier: MIT */
#define LOG_TAG "mm"
#include "mm/init/memory.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/sections.h"
#include "base/str.h"
#include "cpu/features.h"
#include "cpu/tables.h"
#include "mm/layout.h"
#include "mm/phys/frames.h"
#include "mm/phys/free_map.h"
#include "mm/pt/backend.h"
#include "mm/pt/paging.h"
#include "mm/pt/recursive_boot.h"

#define POOL_SHARE    128 /* frames of RAM per page-table frame of the pool */
#define POOL_MIN      64
#define SLOTS_DEFAULT 8 /* four levels, and room for nested operations */
#define SMALL_RAM     (UINT64_C(32) << 20)

struct frames machine_frames;

INIT_DATA static struct free_map boot_map;
/* Early frames are taken from the end of one free range. */
INIT_DATA static struct phys_range *early_range;
INIT_DATA static phys_t early_end;

static bool frames_ready;
static phys_t zero_frame;
RO_AFTER_INIT static uint64_t ram_bytes;
static virt_t device_next = {LAYOUT_DEVICE_START};

/* Chooses the largest range: low memory stays unfragmented for devices that need it. */
INIT_CODE static void choose_early_range(void)
{
    for (size_t i = 0; i < boot_map.count; i++)
        if (early_range == NULL ||
            phys_range_size(boot_map.free[i]) > phys_range_size(*early_range))
            early_range = &boot_map.free[i];
    if (early_range != NULL)
        early_end = early_range->end;
}

/* Of several CPUs: frames that the others start in, below 1 MiB, where the SIPI's vector leads, and not among the first 64 KiB. */
INIT_DATA static struct phys_range low_frames;

INIT_CODE static void take_low_frames(void)
{
    for (size_t i = 0; i < boot_map.count && phys_range_size(low_frames) == 0; i++) {
        struct phys_range *r = &boot_map.free[i];
        uint64_t end = r->end.v < LAYOUT_KERNEL_LOAD ? r->end.v : LAYOUT_KERNEL_LOAD;
        if (r->start.v + MEMORY_LOW_FRAMES * PAGE_SIZE > end)
            continue;
        low_frames = phys_range(r->start.v, r->start.v + MEMORY_LOW_FRAMES * PAGE_SIZE);
        r->start = low_frames.end;
    }
}

INIT_CODE struct phys_range memory_low_frames(void)
{
    return low_frames;
}

INIT_CODE void memory_release_low_frames(void)
{
    frames_release_foreign(&machine_frames, low_frames);
}

/* Takes `size` contiguous bytes, a multiple of the page size. */
INIT_CODE static bool early_frames(uint64_t size, phys_t *out)
{
    if (early_range == NULL || phys_range_size(*early_range) < size)
        return false;
    early_range->end.v -= size;
    *out = early_range->end;
    return true;
}

INIT_CODE static bool early_frame(phys_t *out)
{
    return early_frames(PAGE_SIZE, out);
}

bool memory_table_alloc(phys_t *out)
{
    return frames_ready ? frames_alloc(&machine_frames, 0, out) == E_OK : early_frame(out);
}

void memory_table_free(phys_t frame)
{
    frames_put(&machine_frames, frame); /* no effect on an early frame, which is FOREIGN */
}

INIT_CODE static void draw_window_slots(const struct memory_options *options)
{
    unsigned count = LAYOUT_WINDOW_SLOT_LAST - LAYOUT_WINDOW_SLOT_FIRST + 1;
    unsigned window = options->window_slot;
    if (window == 0)
        window = options->random == 0
                     ? LAYOUT_WINDOW_SLOT_DEFAULT
                     : LAYOUT_WINDOW_SLOT_FIRST + (unsigned)(options->random % count);
    unsigned program = LAYOUT_WINDOW_SLOT_FIRST + (unsigned)((options->random >> 32) % count);
    if (program == window)
        program = window == LAYOUT_WINDOW_SLOT_FIRST ? window + 1 : window - 1;
    recursive_move_window(window);
    recursive_add_program_window(program);
}

static virt_t image(const char *symbol)
{
    return virt_of(symbol);
}

static struct phys_range image_part(const char *from, const char *to)
{
    return phys_range(image(from).v - LAYOUT_KERNEL_BASE, image(to).v - LAYOUT_KERNEL_BASE);
}

/* Sets the final rights of the image, which multiboot2.S maps writable and executable. */
INIT_CODE static enum err protect_image(void)
{
    struct {
        char *start, *end;
        prot_t prot;
    } const parts[] = {
        {init_text_start, init_text_end, prot_rx()},
        {text_start, text_end, prot_rx()},
        {rodata_start, rodata_end, prot_ro()},
        {ro_after_init_start, ro_after_init_end, prot_rw()},
        {data_start, data_end, prot_rw()},
        {image_start, init_text_start, prot_rw()},
        {image_tables_start, image_tables_end, prot_ro()},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        enum err e = paging_protect(&kernel_space,
                                    (struct virt_range){image(parts[i].start), image(parts[i].end)},
                                    parts[i].prot);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

/* True if any of the ranges touches [start, end). */
INIT_CODE static bool touches(const struct phys_range *ranges, size_t count, uint64_t start,
                              uint64_t end)
{
    for (size_t i = 0; i < count; i++)
        if (ranges[i].start.v < end && start < ranges[i].end.v)
            return true;
    return false;
}

/* Frame metadata is mapped in steps of 6 MiB, three large pages, which describe 2 GiB of RAM. */
#define METADATA_STEP     (3 * LARGE_SIZE)
#define METADATA_SECTIONS (METADATA_STEP / sizeof(struct frame) / FRAMES_SECTION)

/* The bits of frames.h up to 16 GiB of RAM. More of them follow the metadata. */
static uint64_t few_described[FRAMES_DESCRIBED((16 * HUGE_SIZE >> PAGE_SHIFT) - 1)];

/* Frames below `end` have metadata. */
struct metadata {
    uint64_t end;
    const struct phys_range *taken; /* frames in use */
    size_t taken_count;
    uint64_t bytes, size;  /* of all struct frame; with the bits, in whole pages */
    uint64_t *described;   /* the bits */
    phys_t at;             /* frames for it, contiguous */
    struct phys_range gap; /* free frames behind these */
};

/* Size of the step at offset `at`; 0: no RAM, so that it shows the zero page. */
INIT_CODE static uint64_t metadata_step(const struct metadata *m, uint64_t at)
{
    uint64_t first = at / sizeof(struct frame) << PAGE_SHIFT;
    uint64_t last = first + (METADATA_SECTIONS * FRAMES_SECTION << PAGE_SHIFT);
    if (at + METADATA_STEP <= m->bytes && !touches(boot_map.free, boot_map.count, first, last) &&
        !touches(m->taken, m->taken_count, first, last))
        return 0;
    return m->size - at < METADATA_STEP ? m->size - at : METADATA_STEP;
}

/* Takes the frames of the metadata: the first early frames, which none describes. */
INIT_CODE static bool take_metadata(struct metadata *m)
{
    uint64_t own = 0;
    m->size = m->bytes = FRAMES_METADATA(m->end) * sizeof(struct frame);
    m->described = few_described;
    if (FRAMES_DESCRIBED(m->end) > ARRAY_LENGTH(few_described)) {
        m->described = ptr_of(virt(LAYOUT_FRAMES_START + m->bytes));
        m->size = align_up(m->bytes + FRAMES_DESCRIBED(m->end) * sizeof(uint64_t), PAGE_SIZE);
    }
    for (uint64_t at = 0; at < m->size; at += METADATA_STEP)
        own += metadata_step(m, at);
    uint64_t gap = (early_end.v - own) % (own < LARGE_SIZE ? PAGE_SIZE : LARGE_SIZE);
    if (!early_frames(own + gap, &m->at))
        return false;
    m->gap = phys_range(m->at.v + own, early_end.v);
    early_end = m->at;
    return true;
}

/* Maps the metadata: frames of its own, not cleared, or the zero page (state FRAME_INNER) in holes. */
INIT_CODE static enum err map_metadata(const struct metadata *m)
{
    phys_t next = m->at;
    enum err e = E_OK;
    for (uint64_t at = 0; e == E_OK && at < m->size; at += METADATA_STEP) {
        virt_t start = virt(LAYOUT_FRAMES_START + at);
        uint64_t own = metadata_step(m, at);
        if (own != 0)
            e = paging_map(&kernel_space, start, next, own, prot_rw());
        next.v += own;
        for (uint64_t page = own; e == E_OK && own == 0 && page < METADATA_STEP; page += PAGE_SIZE)
            e = paging_map(&kernel_space, virt(start.v + page), zero_frame, PAGE_SIZE, prot_ro());
    }
    if (e != E_OK)
        return e;
    uint8_t *described = (uint8_t *)m->described;
    memset(described, 0, FRAMES_DESCRIBED(m->end) * sizeof(uint64_t));
    for (uint64_t at = 0; at < m->size; at += METADATA_STEP)
        if (metadata_step(m, at) == 0)
            memset(described + at / METADATA_STEP * (METADATA_SECTIONS / 8), 0xff,
                   METADATA_SECTIONS / 8);
    return E_OK;
}

INIT_CODE static size_t list_taken(const struct boot_info *boot, struct phys_range *taken)
{
    size_t n = 0;
    taken[n++] = phys_range(0, 0x10000); /* BIOS data, which firmware writes even after boot */
    taken[n++] = phys_range(LAYOUT_KERNEL_LOAD, image(image_end).v - LAYOUT_KERNEL_BASE);
    for (size_t i = 0; i < boot->module_count; i++)
        taken[n++] = boot->modules[i];
    return n;
}

/* Maps the scratch page, the page that keeps its table alive, and the zero page. */
INIT_CODE static enum err map_fixed_pages(void)
{
    if (!early_frame(&zero_frame))
        return E_NOMEM;
    enum err e =
        paging_map(&kernel_space, virt(LAYOUT_SCRATCH_PIN), zero_frame, PAGE_SIZE, prot_rw());
    if (e != E_OK)
        return e;
    memset(ptr_of(virt(LAYOUT_SCRATCH_PIN)), 0, PAGE_SIZE);
    return paging_protect(
        &kernel_space, virt_range(LAYOUT_SCRATCH_PIN, LAYOUT_SCRATCH_PIN + PAGE_SIZE), prot_ro());
}

/* Frees the frame of a table that has moved, unless it is part of the image. */
INIT_CODE static void release_moved_table(phys_t frame)
{
    if (frame.v >= early_range->end.v && frame.v < early_end.v)
        frames_release_foreign(&machine_frames, phys_range(frame.v, frame.v + PAGE_SIZE));
    else
        frames_put(&machine_frames, frame);
}

/* Takes frames for the identity pool: enough page tables for memory that is used in pieces of 64
 * KiB. */
INIT_CODE static enum err take_pool(const struct memory_options *options, struct pt_setup *setup)
{
    uint64_t wanted = options->pool;
    if (wanted == 0)
        wanted = ram_bytes / PAGE_SIZE / POOL_SHARE < POOL_MIN ? POOL_MIN
                                                               : ram_bytes / PAGE_SIZE / POOL_SHARE;
    phys_t start;
    if (wanted > ram_bytes / PAGE_SIZE || !early_frames(wanted * PAGE_SIZE, &start)) {
        setup->complaint =
            "pagetables=identity: no free memory is as large as pagetables.pool= says";
        return E_RANGE;
    }
    setup->pool = phys_range(start.v, start.v + wanted * PAGE_SIZE);
    if (setup->pool.end.v > LAYOUT_PROGRAM_END) {
        setup->complaint = "pagetables=identity: the memory is above the program's addresses";
        return E_RANGE;
    }
    return E_OK;
}

INIT_CODE static enum err start_back_end(const struct paging_ops *chosen, struct pt_setup *setup)
{
    enum err e = chosen->access->start(setup);
    if (e == E_OK && chosen->access->own_frames)
        e = pt_move_tables(chosen->access, release_moved_table);
    if (e != E_OK)
        return e;
    paging = chosen;
    recursive_close_window();
    return E_OK;
}

INIT_CODE static void start_recursive(const struct memory_options *options)
{
    paging = &paging_recursive;
    paging_nx = cpu_features.nx;
    paging_huge = cpu_features.huge_pages;
    paging_reserved = PTE_ADDRESS & ~((UINT64_C(1) << cpu_features.physical_bits) - 1);
    if (!paging_nx)
        paging_reserved |= PTE_NX;
    draw_window_slots(options);
}

/* Hands the free frames to the allocator; the early frames stay in use. */
INIT_CODE static void start_frames(const struct metadata *m)
{
    frames_init(&machine_frames, ptr_of(virt(LAYOUT_FRAMES_START)), m->described, m->end);
    for (size_t i = 0; i < boot_map.count; i++)
        frames_add(&machine_frames, boot_map.free[i]);
    frames_add(&machine_frames, m->gap);
    for (size_t i = 0; i < m->taken_count; i++)
        frames_mark_foreign(&machine_frames, m->taken[i]);
    frames_mark_foreign(&machine_frames, (struct phys_range){early_range->end, early_end});
    if (SEVERAL_CPUS)
        frames_mark_foreign(&machine_frames, low_frames);
    frames_ready = true;
}

INIT_CODE enum err memory_init(const struct boot_info *boot, const struct memory_options *options,
                               const char **complaint)
{
    static const struct paging_ops *const kinds[PAGING_KINDS] = {
        [PAGING_RECURSIVE] = &paging_recursive, [PAGING_PHYSMAP] = &paging_physmap,
        [PAGING_OFFSET] = &paging_offset,       [PAGING_IDENTITY] = &paging_identity,
        [PAGING_TEMPORARY] = &paging_temporary,
    };
    const struct paging_ops *chosen = kinds[options->pagetables];
    struct pt_setup setup = {.boot = boot};
    struct phys_range taken[BOOT_MODULES_MAX + 2];
    struct metadata metadata = {.taken = taken, .taken_count = list_taken(boot, taken)};
    free_map_build(boot, taken, metadata.taken_count, &boot_map);
    ram_bytes = boot_map.ram_bytes;
    metadata.end = boot_map.ram_end >> PAGE_SHIFT;
    if (SEVERAL_CPUS)
        take_low_frames();
    choose_early_range();
    if (!take_metadata(&metadata))
        return E_NOMEM;

    start_recursive(options);
    enum err e = map_fixed_pages();
    if (e == E_OK)
        e = protect_image();
    if (e == E_OK && options->pagetables == PAGING_IDENTITY)
        e = take_pool(options, &setup);
    if (e == E_OK)
        e = map_metadata(&metadata);
    if (e == E_OK) {
        start_frames(&metadata);
        recursive_forget_low_half();
        if (chosen != paging) {
            setup.sealed = image_part(init_text_start, ro_after_init_end);
            setup.arena = options->arena != 0 ? options->arena : ram_bytes < SMALL_RAM ? 16 : 64;
            setup.slots = options->slots != 0 ? options->slots : SLOTS_DEFAULT;
            setup.tables = pt_count_tables();
            e = start_back_end(chosen, &setup);
        }
        kernel_space.root = first_space.root = pt_root();
    }
    *complaint = setup.complaint;
    return e;
}

/* Frees the frames of [from, to) of the image. */
static void free_image_part(const char *from, const char *to)
{
    struct virt_range range = {image(from), image(to)};
    paging_unmap(&kernel_space, range, NULL, NULL);
    if (paging->access->image_freed != NULL)
        paging->access->image_freed(image_part(from, to));
    frames_release_foreign(&machine_frames, image_part(from, to));
}

void memory_end_boot(void)
{
    must(paging_protect(&kernel_space,
                        (struct virt_range){image(ro_after_init_start), image(ro_after_init_end)},
                        prot_ro()));
    free_image_part(image_start, init_text_end);
}

void *memory_map_physical(struct phys_range range, prot_t prot)
{
    if (range.start.v >= range.end.v || range.end.v > UINT64_C(1) << cpu_features.physical_bits)
        return NULL;
    struct phys_range pages =
        phys_range(align_down(range.start.v, PAGE_SIZE), align_up(range.end.v, PAGE_SIZE));
    uint64_t at = device_next.v;
    if (phys_range_size(pages) >= LARGE_SIZE) /* same offset in a large page as the frames */
        at = align_up(at, LARGE_SIZE) + (pages.start.v & (LARGE_SIZE - 1));
    if (paging_map(&kernel_space, virt(at), pages.start, phys_range_size(pages), prot) != E_OK)
        return NULL;
    device_next = virt(at + phys_range_size(pages));
    return ptr_of(virt(at + (range.start.v - pages.start.v)));
}

phys_t memory_zero_frame(void)
{
    return zero_frame;
}

void *memory_scratch(phys_t frame)
{
    virt_t page = memory_scratch_page(false);
    paging_replace(&kernel_space, page, frame, prot_rw());
    return ptr_of(page);
}

void memory_totals(struct memory_totals *out)
{
    out->ram = ram_bytes;
    out->total = memory_total();
    out->free = machine_frames.free_frames << PAGE_SHIFT;
    if (paging->access->idle != NULL)
        out->free += paging->access->idle() << PAGE_SHIFT;
    out->overhead = paging->access->overhead != NULL ? paging->access->overhead() << PAGE_SHIFT : 0;
}
