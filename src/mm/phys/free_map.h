/* SPDX-License-Identifier: MIT */
/* Which physical memory is free, from what the firmware and the loader said. Pure. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "parse/boot_info.h"

#define FREE_MAP_MAX (BOOT_MEMORY_MAX + BOOT_MODULES_MAX + 8)

struct free_map {
    struct phys_range free[FREE_MAP_MAX]; /* page-aligned, sorted, apart from each other */
    size_t count;
    uint64_t ram_bytes; /* all RAM, the occupied part too */
    uint64_t ram_end;   /* one past the highest byte of RAM */
};

/* RAM less everything that any other entry of the map claims (firmware's maps overlap), less
 * `taken`. What does not fit into the table is left out: memory is lost then, never handed out
 * twice. */
void free_map_build(const struct boot_info *boot, const struct phys_range *taken,
                    size_t taken_count, struct free_map *out);
