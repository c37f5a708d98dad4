/* SPDX-License-Identifier: MIT */
/* The long texts of /proc/self (proc(5)): generators for procfs_self.c. */
#pragma once

#include "fs/hooks.h"
#include "fs/text.h"
#include "mm/areas.h"

/* What the hook says, with a pid in any case. */
void procfs_describe(struct fs_process *out);
/* The same for one thread: `context` is its tid. */
void procfs_describe_thread(void *context, struct fs_process *out);

/* What /proc/self/maps calls the area, in `buffer` or constant; "" when it has no name. */
const char *procfs_area_name(const struct area *area, char *buffer, size_t size);

void procfs_show_maps(struct text *text, void *context);
void procfs_show_limits(struct text *text, void *context);
void procfs_show_stat(struct text *text, void *context);
void procfs_show_statm(struct text *text, void *context);
void procfs_show_status(struct text *text, void *context);
void procfs_show_smaps(struct text *text, void *context);
void procfs_show_smaps_rollup(struct text *text, void *context);

/* What is mapped of an area, in bytes. `share`: what is mapped elsewhere, too, counts in parts. */
struct procfs_usage {
    uint64_t size, resident, share, share_dirty, shared_clean, shared_dirty, private_clean,
        private_dirty, referenced, anonymous, file, large, locked;
};
void procfs_measure_area(const struct area *area, struct procfs_usage *out);

/* Of all areas, in pages. */
struct procfs_sizes {
    uint64_t all, resident, file, shared_memory, code, data, stack, locked;
};
void procfs_measure(struct procfs_sizes *out);

/* /proc/pagetables: mm/ptdump.h over the live tables. */
void procfs_show_pagetables(struct text *text, void *context);
