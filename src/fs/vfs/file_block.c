/* SPDX-License-Identifier: MIT */
#include "fs/vfs/file_block.h"

#include "base/str.h"
#include "cpu/lock.h"

#define BLOCKS_KEPT 16

static struct kept_blocks {
    struct file *first; /* linked through `state` */
    unsigned count;
} kept_blocks[CPUS_MAX];

struct file *file_block_take_kept(void)
{
    struct kept_blocks *kept = &kept_blocks[cpu_index()];
    struct file *file = kept->first;
    if (!file)
        return heap_alloc_zero(sizeof(*file));
    kept->first = file->state;
    kept->count--;
    memset(file, 0, sizeof(*file));
    return file;
}

void file_block_keep(struct file *file)
{
    if (kernel_lock_is_shared() && kept_blocks[cpu_index()].count == BLOCKS_KEPT)
        kernel_lock_alone();
    if (!kernel_lock_is_shared()) {
        heap_free(file);
        return;
    }
    struct kept_blocks *kept = &kept_blocks[cpu_index()];
    file->state = kept->first;
    kept->first = file;
    kept->count++;
}

enum err file_alloc(struct dentry *dentry, const struct file_ops *ops, uint32_t flags,
                    struct file **out)
{
    struct file *file = file_block_take();
    if (!file)
        return E_NOMEM;
    dentry_get(dentry);
    file->ops = ops;
    file->dentry = dentry;
    file->inode = dentry->inode;
    file->flags = flags;
    __atomic_store_n(&file->references, 1, __ATOMIC_RELEASE);
    *out = file;
    return E_OK;
}
