/* SPDX-License-Identifier: MIT */
#include "mm/init/audit_machine.h"

#include "base/sections.h"
#include "cpu/features.h"
#include "mm/heap/heap.h"
#include "mm/heap/kstack.h"
#include "mm/init/memory.h"
#include "mm/layout.h"
#include "mm/pt/backend.h"

#define PLACES_MAX     16
#define CAPACITY_FIRST 96 /* tables and runs of large leaves; a small machine has about 40 */

static const pte_t *program_window(void *context, int level, virt_t v)
{
    const unsigned *slot = context;
    return ptr_of(virt(recursive_table(*slot, level, v)));
}

static struct virt_range between(const char *start, const char *end)
{
    return (struct virt_range){virt_of(start), virt_of(end)};
}

static struct virt_range slot_at(uint64_t base)
{
    return base == 0 ? virt_range(0, 0) : virt_range(base, base + pt_span(PT_LEVELS));
}

static void audit_machine_add_place(struct audit_place *places, size_t *count,
                                    struct audit_place place)
{
    if (virt_range_size(place.range) > 0)
        places[(*count)++] = place;
}

/* Sorted by address. */
static size_t list_places(bool both, struct audit_place *places)
{
    const struct virt_range pool = paging_reserved_range;
    bool split = virt_range_size(pool) > 0;
    struct audit_place program = {
        .range = virt_range(LAYOUT_PROGRAM_START, split ? pool.start.v : LAYOUT_PROGRAM_END),
        .write = true,
        .execute = true,
        .both = both,
        .program = true,
    };
    const struct audit_place kernel[] = {
        {.range = virt_range(LAYOUT_HEAP_START, LAYOUT_HEAP_END), .write = true},
        {.range = virt_range(LAYOUT_KSTACK_START, LAYOUT_KSTACK_END),
         .write = true,
         .guarded = LAYOUT_KSTACK_SIZE},
        {.range = virt_range(LAYOUT_DEVICE_START, LAYOUT_DEVICE_END), .write = true},
        {.range = virt_range(LAYOUT_FRAMES_START, LAYOUT_FRAMES_END), .write = true},
        {.range = virt_range(LAYOUT_SCRATCH, LAYOUT_SCRATCH + PAGE_SIZE), .write = true},
        {.range = virt_range(LAYOUT_SCRATCH_PIN, LAYOUT_SCRATCH_PIN + PAGE_SIZE)},
#ifdef OURO_CPUS
        {.range = virt_range(LAYOUT_SCRATCH_CPUS, LAYOUT_SCRATCH_CPUS + LAYOUT_SCRATCH_CPUS_SIZE),
         .write = true},
#endif
        {.range = paging->access->reach, .write = true, .back_end = true},
        {.range = between(text_start, text_end), .execute = true},
        {.range = between(rodata_start, ro_after_init_end)},
        {.range = between(data_start, data_end), .write = true},
        {.range = between(image_tables_start, image_tables_end)},
    };
    size_t count = 0;
    audit_machine_add_place(places, &count, program);
    if (split) {
        audit_machine_add_place(
            places, &count, (struct audit_place){.range = pool, .write = true, .back_end = true});
        program.range = virt_range(pool.end.v, LAYOUT_PROGRAM_END);
        audit_machine_add_place(places, &count, program);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(kernel); i++)
        audit_machine_add_place(places, &count, kernel[i]);
    return count;
}

enum err audit_machine(struct phys_range archive, bool both, struct audit_finding *out)
{
    struct audit_place places[PLACES_MAX];
    const struct phys_range sealed[] = {
        phys_range(virt_of(text_start).v - LAYOUT_KERNEL_BASE,
                   virt_of(ro_after_init_end).v - LAYOUT_KERNEL_BASE),
        archive,
    };
    unsigned slot = pt_index(virt(paging_program_window), PT_LEVELS);
    const struct audit_world world = {
        .table = program_window,
        .context = &slot,
        .root = pt_root(),
        .window = slot_at(paging_window),
        .program_window = slot_at(paging_program_window),
        .places = places,
        .place_count = list_places(both, places),
        .sealed = sealed,
        .sealed_count = ARRAY_LENGTH(sealed),
        .nx = paging_nx,
        .physical_bits = cpu_features.physical_bits,
    };
    enum err e = E_NOMEM;
    for (size_t capacity = CAPACITY_FIRST; e == E_NOMEM; capacity *= 4) {
        /* Allocated before the audit: the heap may create tables. */
        char *lists =
            heap_alloc(capacity * (sizeof(struct audit_item) + sizeof(struct audit_range)));
        if (lists == NULL)
            return E_NOMEM;
        struct audit_memory memory = {
            .items = (struct audit_item *)(void *)lists,
            .ranges = (struct audit_range *)(void *)(lists + capacity * sizeof(struct audit_item)),
            .capacity = capacity,
        };
        e = audit_tables(&world, &memory, out);
        heap_free(lists);
    }
    return e;
}
