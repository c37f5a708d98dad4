/* SPDX-License-Identifier: MIT */
/*
 * The memory of struct file. Of several CPUs, a thread that shares kernel_lock finds the file of a descriptor without a lock
 * (file_table_get()): another may close it meanwhile. So the block of a file that ends while threads share stays one of files, without
 * references, until it is another's, or is freed by a thread that is alone. Each CPU keeps a few; kernel code is not preempted.
 */
#pragma once

#include "cpu/cpus.h"
#include "fs/vfs/file.h"
#include "mm/heap/heap.h"

/* Of several CPUs. */
struct file *file_block_take_kept(void);
void file_block_keep(struct file *file);

/* Zeros; NULL if memory is short. O(1). */
static inline struct file *file_block_take(void)
{
    return SEVERAL_CPUS ? file_block_take_kept() : heap_alloc_zero(sizeof(struct file));
}

/* Of a file without references. A kernel_lock that was shared may be alone afterwards. O(1). */
static inline void file_block_give(struct file *file)
{
    if (SEVERAL_CPUS)
        file_block_keep(file);
    else
        heap_free(file);
}
