/* SPDX-License-Identifier: MIT */
/* Generators of the longer files of /proc/PID (proc(5)), for fs/proc/process.c. The context of each
 * is procfs_subject_of(). */
#pragma once

#include "fs/vfs/process.h"
#include "fs/vfs/text.h"
#include "mm/vm/areas.h"

/* Process and thread that a file of /proc/PID describes, as the context of its generator. */
static inline void *procfs_subject_of(uint32_t pid, uint32_t tid)
{
    return (void *)(uintptr_t)((uint64_t)tid << 32 | pid);
}
struct file;
void *procfs_subject(const struct file *file);

/* Describes the subject by fs_describe(); a zombie with pid 1 if that fails. */
void procfs_describe(const void *subject, struct fs_process *out);
/* areas_next(), restricted to areas of the process. */
const struct area *procfs_next_area(const struct fs_process *process, virt_t v);

/* The area's name in /proc/self/maps, in `buffer` or constant; "": no name. */
const char *procfs_area_name(const struct area *area, char *buffer, size_t size);

void procfs_show_maps(struct text *text, void *context);
void procfs_show_limits(struct text *text, void *context);
void procfs_show_stat(struct text *text, void *context);
void procfs_show_statm(struct text *text, void *context);
void procfs_show_status(struct text *text, void *context);
void procfs_show_smaps(struct text *text, void *context);
void procfs_show_smaps_rollup(struct text *text, void *context);

/* mounts.c. O(mounts), each with the depth of its path. */
void procfs_show_mounts(struct text *text, void *context);
void procfs_show_mountinfo(struct text *text, void *context);
void procfs_show_types(struct text *text, void *context); /* /proc/filesystems */

/* process_extra.c */
void procfs_show_children(struct text *text, void *context);
void procfs_show_cpuset(struct text *text, void *context);
void procfs_show_descriptor(struct text *text, void *context); /* subject: pid and descriptor */
void procfs_show_id_map(struct text *text, void *context);
void procfs_show_no_id(struct text *text, void *context);
void procfs_show_oom_score(struct text *text, void *context);
void procfs_show_oom_score_adj(struct text *text, void *context);
void procfs_show_personality(struct text *text, void *context);
void procfs_show_schedstat(struct text *text, void *context);
void procfs_show_io(struct text *text, void *context);
void procfs_show_setgroups(struct text *text, void *context);
void procfs_show_syscall(struct text *text, void *context);
void procfs_show_timer_slack(struct text *text, void *context);
void procfs_show_zero(struct text *text, void *context);
enum err procfs_store_oom_score_adj(const char *bytes, size_t size, void *context);
/* By what the area's file was opened, without references; dentry NULL: the area has no file. */
struct location procfs_area_location(const struct area *area);

/* Mapped memory of an area, in bytes. `share`: PSS, in which a page that is mapped n times
 * counts 1/n; share_file and share_shared are the parts of it that areas of files have. */
struct procfs_usage {
    uint64_t size, resident, share, share_dirty, shared_clean, shared_dirty, private_clean,
        private_dirty, referenced, anonymous, lazyfree, file, large, locked, swapped, swap_share,
        share_file, share_shared;
};

/* Totals of all areas of a process, in pages. O(1). */
struct procfs_sizes {
    uint64_t all, peak, resident, resident_peak, file, shared_memory, code, data, stack, locked,
        swapped;
};
void procfs_measure(const struct fs_process *process, struct procfs_sizes *out);

/* /proc/pagetables: mm/pt/dump.h over the live tables. */
void procfs_show_pagetables(struct text *text, void *context);
