/* SPDX-License-Identifier: MIT */
#include "mm/phys/free_map.h"

static void free_map_insert(struct free_map *m, size_t at, struct phys_range r)
{
    if (m->count == FREE_MAP_MAX) /* full: the last one is dropped */
        m->count--;
    if (at > m->count)
        return;
    for (size_t i = m->count; i > at; i--)
        m->free[i] = m->free[i - 1];
    m->free[at] = r;
    m->count++;
}

static void erase(struct free_map *m, size_t at)
{
    m->count--;
    for (size_t i = at; i < m->count; i++)
        m->free[i] = m->free[i + 1];
}

/* Adds r, joined with the ranges that it touches. */
static void free_map_add(struct free_map *m, struct phys_range r)
{
    size_t at = 0;
    while (at < m->count && m->free[at].end.v < r.start.v)
        at++;
    while (at < m->count && m->free[at].start.v <= r.end.v) {
        if (m->free[at].start.v < r.start.v)
            r.start = m->free[at].start;
        if (m->free[at].end.v > r.end.v)
            r.end = m->free[at].end;
        erase(m, at);
    }
    free_map_insert(m, at, r);
}

static void subtract(struct free_map *m, struct phys_range r)
{
    r.start.v = align_down(r.start.v, PAGE_SIZE);
    r.end.v = r.end.v > UINT64_MAX - PAGE_MASK ? align_down(UINT64_MAX, PAGE_SIZE)
                                               : align_up(r.end.v, PAGE_SIZE);
    for (size_t i = 0; i < m->count;) {
        struct phys_range f = m->free[i];
        if (r.end.v <= f.start.v || f.end.v <= r.start.v) {
            i++;
            continue;
        }
        erase(m, i);
        if (f.start.v < r.start.v)
            free_map_insert(m, i++, (struct phys_range){f.start, r.start});
        if (r.end.v < f.end.v)
            free_map_insert(m, i++, (struct phys_range){r.end, f.end});
    }
}

/* Leaves out RAM behind a hole for which the frames' metadata would cost more than the RAM is worth: with a page of
 * metadata for 1.3 MiB of hole, the time of an entry of a table each. */
static void drop_far(struct free_map *m)
{
    uint64_t end = 0;
    for (size_t i = 0; i < m->count;) {
        uint64_t hole = m->free[i].start.v - end;
        if (hole > FREE_MAP_HOLE && hole / FREE_MAP_HOLE_SHARE > phys_range_size(m->free[i])) {
            erase(m, i);
            continue;
        }
        end = m->free[i++].end.v;
    }
}

void free_map_build(const struct boot_info *boot, const struct phys_range *taken,
                    size_t taken_count, struct free_map *out)
{
    out->count = 0;
    out->ram_bytes = out->ram_end = 0;
    for (size_t i = 0; i < boot->memory_count; i++) {
        struct phys_range r = boot->memory[i].range;
        if (boot->memory[i].kind != BOOT_MEMORY_RAM || r.end.v > UINT64_MAX - PAGE_MASK)
            continue;
        r.start.v = align_up(r.start.v, PAGE_SIZE);
        r.end.v = align_down(r.end.v, PAGE_SIZE);
        if (r.start.v < r.end.v)
            free_map_add(out, r);
    }
    for (size_t i = 0; i < boot->memory_count; i++)
        if (boot->memory[i].kind != BOOT_MEMORY_RAM)
            subtract(out, boot->memory[i].range);
    drop_far(out);
    for (size_t i = 0; i < out->count; i++) {
        out->ram_bytes += phys_range_size(out->free[i]);
        out->ram_end = out->free[i].end.v;
    }
    for (size_t i = 0; i < taken_count; i++)
        subtract(out, taken[i]);
}
