/* SPDX-License-Identifier: MIT */
#include "linux/time/vdso.h"

#include "base/sections.h"
#include "base/str.h"
#include "cpu/tsc.h"
#include "kern/time.h"
#include "linux/abi/clocks.h"
#include "linux/task/process.h"
#include "mm/layout.h"
#include "mm/vm/areas.h"
#include "vdso/vvar.h"

/* Fills a whole page, because the program can read all of that page. */
static union {
    volatile struct vvar vvar;
    char page[VVAR_PAGE_SIZE];
} ALIGNED(VVAR_PAGE_SIZE) shared;

_Static_assert(__builtin_offsetof(struct vvar, kernel_entry) == VVAR_KERNEL_ENTRY, "vdso/call.S");

/* A page source over pages of the kernel image. */
struct image_source {
    struct page_source source;
    const char *name;
    const char *start;
    uint64_t size;
};

static struct image_source *image_of(struct page_source *source)
{
    return CONTAINER_OF(source, struct image_source, source);
}

/* Frames of the kernel image are not reference-counted (mm/phys/frames.h). */
static enum err image_page(struct page_source *source, uint64_t index, bool for_write, phys_t *out)
{
    const struct image_source *image = image_of(source);
    if (for_write || index >= image->size >> PAGE_SHIFT)
        return E_INVAL;
    *out = phys(virt_of(image->start).v - LAYOUT_KERNEL_BASE + (index << PAGE_SHIFT));
    return E_OK;
}

static enum err image_read(struct page_source *source, uint64_t offset, void *to, size_t size)
{
    const struct image_source *image = image_of(source);
    uint64_t inside = offset >= image->size         ? 0
                      : size < image->size - offset ? size
                                                    : image->size - offset;
    memcpy(to, image->start + offset, inside);
    memset((char *)to + inside, 0, size - inside);
    return E_OK;
}

static bool image_present(struct page_source *source, uint64_t index)
{
    return index << PAGE_SHIFT < image_of(source)->size;
}

static enum err image_punch(struct page_source *source, uint64_t offset, uint64_t size)
{
    (void)source;
    (void)offset;
    (void)size;
    return E_PERM;
}

static void image_reference(struct page_source *source)
{
    (void)source;
}

static void image_name(struct page_source *source, char *to, size_t size)
{
    str_copy(to, image_of(source)->name, size);
}

static uint64_t image_inode(struct page_source *source)
{
    (void)source;
    return 0;
}

static const struct page_source_ops image_ops = {
    .page = image_page,
    .read = image_read,
    .present = image_present,
    .punch = image_punch,
    .get = image_reference,
    .put = image_reference,
    .name = image_name,
    .inode = image_inode,
};

static struct image_source vvar_source = {
    .source = {.ops = &image_ops}, .name = "[vvar]", .start = shared.page, .size = sizeof shared};
static struct image_source code_source = {
    .source = {.ops = &image_ops}, .name = "[vdso]", .start = vdso_image_start};

INIT_CODE void vdso_init(void)
{
    struct time_base base;
    time_base(&base);
    shared.vvar.tsc_start = base.tsc_start;
    shared.vvar.ns_per_cycle = tsc_ns_per_cycle();
    shared.vvar.realtime_offset = base.realtime_offset_ns;
    shared.vvar.coarse_resolution = CLOCK_COARSE_RESOLUTION_NS;
    shared.vvar.kernel_entry = virt_of(syscall_entry).v;
    code_source.size = align_up((uint64_t)(vdso_image_end - vdso_image_start), PAGE_SIZE);
}

uint64_t vdso_size(void)
{
    return vvar_source.size + code_source.size;
}

static enum err map_source(virt_t at, struct image_source *image, uint32_t flags, prot_t prot)
{
    struct area area = {
        .range = virt_range(at.v, at.v + image->size),
        .kind = AREA_FILE,
        .flags = flags,
        .owner = &process_current()->program->areas,
        .prot = prot,
        .source = &image->source,
        .file_end = UINT64_MAX,
    };
    return areas_add(space_current(), &area);
}

enum err vdso_map(virt_t at)
{
    enum err e = map_source(at, &vvar_source, AREA_READ_ONLY, prot_ro());
    return e == E_OK ? map_source(vdso_image(at), &code_source, 0, prot_rx()) : e;
}

void time_realtime_changed(void)
{
    struct time_base base;
    time_base(&base);
    shared.vvar.realtime_offset = base.realtime_offset_ns;
}

void vdso_set_timezone(uint64_t zone)
{
    shared.vvar.timezone = zone;
}
