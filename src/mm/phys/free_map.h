/* SPDX-License-Identifier: MIT */
/* Free physical memory, computed from the firmware's memory map and the loader's data. Pure. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "parse/boot_info.h"

#define FREE_MAP_MAX (BOOT_MEMORY_MAX + BOOT_MODULES_MAX + 8)

struct free_map {
    struct phys_range free[FREE_MAP_MAX]; /* page-aligned, sorted, not adjacent */
    size_t count;
    uint64_t ram_bytes; /* all RAM, including the occupied part */
    uint64_t ram_end;   /* one past the highest byte of RAM */
};

/* RAM behind a larger hole than this is left out if the hole is more than FREE_MAP_HOLE_SHARE times its size. */
#define FREE_MAP_HOLE       (UINT64_C(64) << 30)
#define FREE_MAP_HOLE_SHARE 1024

/* RAM minus everything that any other entry of the map claims (firmware's maps overlap), minus
 * `taken`. If the table is full, ranges are left out: that memory is lost. */
void free_map_build(const struct boot_info *boot, const struct phys_range *taken,
                    size_t taken_count, struct free_map *out);
