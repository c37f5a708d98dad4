/* SPDX-License-Identifier: MIT */
#include "parse/memory_map.h"

#include "base/checked.h"
#include "base/str.h"

/* Physical addresses have at most 52 bits (SDM 3A 4.1.4). */
#define PHYSICAL_END (UINT64_C(1) << 52)

static enum boot_memory_kind e820_kind(uint32_t e820_type)
{
    switch (e820_type) {
    case 1:
        return BOOT_MEMORY_RAM;
    case 3:
        return BOOT_MEMORY_ACPI;
    case 4:
        return BOOT_MEMORY_NVS;
    case 5:
        return BOOT_MEMORY_BAD;
    default:
        return BOOT_MEMORY_RESERVED;
    }
}

/* Rank of a kind: where entries overlap, the kind of the highest rank applies. */
static int strictness(enum boot_memory_kind kind)
{
    switch (kind) {
    case BOOT_MEMORY_RAM:
        return 0;
    case BOOT_MEMORY_ACPI:
        return 1;
    case BOOT_MEMORY_NVS:
        return 2;
    case BOOT_MEMORY_RESERVED:
        return 3;
    case BOOT_MEMORY_BAD:
        break;
    }
    return 4;
}

static MUST_CHECK enum err memory_map_insert(struct boot_info *info, size_t at, uint64_t start,
                                             uint64_t end, enum boot_memory_kind kind)
{
    if (info->memory_count == BOOT_MEMORY_MAX)
        return E_2BIG;
    struct boot_memory *m = &info->memory[at];
    memmove(m + 1, m, (info->memory_count - at) * sizeof *m);
    *m = (struct boot_memory){phys_range(start, end), kind};
    info->memory_count++;
    return E_OK;
}

/* Merges entry `at` into the one before it if they are adjacent and of one kind. True if merged. */
static bool merge_into_previous(struct boot_info *info, size_t at)
{
    if (at == 0 || at >= info->memory_count)
        return false;
    struct boot_memory *m = &info->memory[at];
    if (m[-1].kind != m->kind || m[-1].range.end.v != m->range.start.v)
        return false;
    m[-1].range.end = m->range.end;
    info->memory_count--;
    memmove(m, m + 1, (info->memory_count - at) * sizeof *m);
    return true;
}

static bool continues_previous(const struct boot_info *info, size_t at, uint64_t start,
                               enum boot_memory_kind kind)
{
    const struct boot_memory *previous = &info->memory[at - (at > 0)];
    return at > 0 && previous->kind == kind && previous->range.end.v == start;
}

/* Changes the kind of the part [start, end) of entry *at; *at becomes the index of that part. */
static MUST_CHECK enum err repaint(struct boot_info *info, size_t *at, uint64_t start, uint64_t end,
                                   enum boot_memory_kind kind)
{
    struct boot_memory *m = &info->memory[*at];
    if (m->range.start.v < start) {
        enum err e = memory_map_insert(info, *at, m->range.start.v, start, m->kind);
        if (e != E_OK)
            return e;
        m = &info->memory[++*at];
        m->range.start.v = start;
    }
    if (end < m->range.end.v) {
        enum err e = memory_map_insert(info, *at + 1, end, m->range.end.v, m->kind);
        if (e != E_OK)
            return e;
        m->range.end.v = end;
    }
    m->kind = kind;
    return E_OK;
}

static MUST_CHECK enum err paint(struct boot_info *info, uint64_t start, uint64_t end,
                                 enum boot_memory_kind kind)
{
    size_t at = 0;
    while (at < info->memory_count && info->memory[at].range.end.v <= start)
        at++;
    /* Invariant: the range up to `start` is done, and `at` is the first entry that ends after
     * `start`. */
    while (start < end) {
        const struct boot_memory *m = &info->memory[at];
        bool gap = at == info->memory_count || m->range.start.v > start;
        uint64_t limit = at == info->memory_count ? end : gap ? m->range.start.v : m->range.end.v;
        uint64_t stop = limit < end ? limit : end;
        enum err e = E_OK;
        if (gap && continues_previous(info, at, start, kind))
            info->memory[--at].range.end.v = stop;
        else if (gap)
            e = memory_map_insert(info, at, start, stop, kind);
        else if (strictness(kind) > strictness(m->kind))
            e = repaint(info, &at, start, stop, kind);
        if (e != E_OK)
            return e;
        if (!merge_into_previous(info, at))
            at++;
        start = stop;
    }
    merge_into_previous(info, at);
    return E_OK;
}

enum err memory_map_add(struct boot_info *info, uint64_t base, uint64_t length, uint32_t e820_type)
{
    enum boot_memory_kind kind = e820_kind(e820_type);
    uint64_t end;
    if (!checked_add(base, length, &end)) {
        end = PHYSICAL_END;
        kind = BOOT_MEMORY_RESERVED;
    }
    if (end > PHYSICAL_END)
        end = PHYSICAL_END;
    return base < end ? paint(info, base, end, kind) : E_OK;
}

uint64_t memory_map_cut(struct boot_info *info, uint64_t end)
{
    uint64_t ram_end = 0;
    while (info->memory_count > 0 && info->memory[info->memory_count - 1].range.start.v >= end)
        info->memory_count--;
    for (size_t i = 0; i < info->memory_count; i++) {
        struct boot_memory *m = &info->memory[i];
        if (m->range.end.v > end)
            m->range.end.v = end;
        if (m->kind == BOOT_MEMORY_RAM)
            ram_end = m->range.end.v;
    }
    return ram_end;
}

bool memory_map_claim(struct boot_info *info, struct phys_range module)
{
    for (size_t i = 0; i < info->memory_count; i++) {
        const struct boot_memory *kept = &info->memory[i], *ram = kept - (i > 0);
        uint64_t at = kept->range.start.v, start = module.start.v & ~UINT64_C(4095);
        if (kept->kind == BOOT_MEMORY_RAM || kept->kind == BOOT_MEMORY_BAD || module.end.v <= at ||
            module.end.v > kept->range.end.v)
            continue;
        if (module.start.v < at && (ram->kind != BOOT_MEMORY_RAM || ram->range.end.v != at ||
                                    module.start.v < ram->range.start.v))
            return false;
        if (repaint(info, &i, start > at ? start : at, module.end.v, BOOT_MEMORY_RAM) != E_OK)
            return false;
        merge_into_previous(info, i + 1);
        merge_into_previous(info, i);
        return true;
    }
    return false;
}
