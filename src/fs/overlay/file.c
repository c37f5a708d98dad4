/* SPDX-License-Identifier: MIT */
/* Open files: file->state is an open file of a layer, and another one after a copy up. */
#include "fs/vfs/file.h"

#include "fs/overlay/layers.h"

/* Flags that fcntl() may change, and which the layer's file has too. */
#define FLAGS_SHARED (O_APPEND | O_NONBLOCK | O_DIRECT | O_SYNC | O_DSYNC | O_NOATIME)

static enum err real_open(struct file *file, struct file **out)
{
    struct layer_rights rights;
    struct dentry *real = overlay_real(file->inode);
    uint32_t flags = file->flags & (O_ACCMODE | FLAGS_SHARED);
    layer_rights_begin(&rights, 0, 0);
    enum err e = vfs_open_at(LAYER(real), flags, out);
    layer_rights_end(&rights);
    return e;
}

/* The file of the layer, with a reference: the present one, whatever was open before. */
static enum err real_get(struct file *file, struct file **out)
{
    struct file *real = file->state;
    if (real->inode != overlay_real(file->inode)->inode) {
        enum err e = real_open(file, &real);
        if (e != E_OK)
            return e;
        struct file *old = file->state;
        file->state = real;
        file_put(old);
    }
    uint32_t shared = file->flags & FLAGS_SHARED;
    if (!real->ops->direct)
        shared &= ~(uint32_t)O_DIRECT;
    real->flags = (real->flags & ~(uint32_t)FLAGS_SHARED) | shared;
    file_get(real);
    *out = real;
    return E_OK;
}

static enum err overlay_open(struct file *file)
{
    uint32_t access = file->flags & O_ACCMODE;
    bool cut = file->flags & O_TRUNC;
    struct file *real;
    enum err e = E_OK;
    if (access == O_WRONLY || access == O_RDWR || cut)
        e = overlay_copy_up_now(file->inode, cut ? 0 : UINT64_MAX);
    if (e == E_OK)
        e = real_open(file, &real);
    if (e == E_OK)
        file->state = real;
    return e;
}

static void overlay_release(struct file *file)
{
    file_put(file->state);
}

static enum err overlay_read(struct file *file, struct io *io, uint64_t *offset)
{
    struct file *real;
    uint64_t done;
    enum err e = real_get(file, &real);
    if (e != E_OK)
        return e;
    file_turn_keep(file, offset, false);
    e = file_read_uncounted(real, io, offset, &done);
    file_turn_end(file, offset, false);
    file->inode->accessed = real->inode->accessed;
    file_put(real);
    return e;
}

static enum err overlay_write(struct file *file, struct io *io, uint64_t *offset)
{
    struct file *real;
    uint64_t done;
    enum err e = real_get(file, &real);
    if (e != E_OK)
        return e;
    if (unlikely(file->inode->quick & INODE_PRIVILEGED))
        inode_drop_privileges(file->inode);
    file_turn_keep(file, offset, true);
    e = file_write_uncounted(real, io, offset, &done);
    file_turn_end(file, offset, true);
    overlay_follow(file->inode);
    file_put(real);
    return e;
}

static enum err overlay_file_sync(struct file *file, uint64_t from, uint64_t end,
                                  enum file_sync how)
{
    struct file *real;
    enum err e = real_get(file, &real);
    if (e != E_OK)
        return e;
    if (real->ops->sync)
        e = real->ops->sync(real, from, end, how);
    file_put(real);
    return e;
}

static void overlay_advise(struct file *file, uint64_t from, uint64_t end, enum file_advice advice)
{
    struct file *real;
    if (real_get(file, &real) != E_OK)
        return;
    if (real->ops->advise)
        real->ops->advise(real, from, end, advice);
    file_put(real);
}

static enum err overlay_find(struct file *file, uint64_t from, bool data, uint64_t *out)
{
    struct file *real;
    enum err e = real_get(file, &real);
    if (e != E_OK)
        return e;
    e = real->ops->find ? real->ops->find(real, from, data, out) : E_INVAL;
    file_put(real);
    return e;
}

static enum err overlay_control(struct file *file, uint32_t command, uint64_t argument,
                                uint64_t *result)
{
    struct file *real;
    enum err e = real_get(file, &real);
    if (e != E_OK)
        return e;
    e = real->ops->control ? real->ops->control(real, command, argument, result) : E_NOTTY;
    file_put(real);
    return e;
}

/* For mmap(): the pages are those of the layer's file. */
static struct file *overlay_mapped(struct file *file)
{
    struct file *real;
    if (real_get(file, &real) != E_OK)
        return NULL;
    file_put(real); /* file->state has it */
    return real;
}

const struct file_ops overlay_file_ops = {
    .open = overlay_open,
    .release = overlay_release,
    .read = overlay_read,
    .write = overlay_write,
    .sync = overlay_file_sync,
    .advise = overlay_advise,
    .find = overlay_find,
    .control = overlay_control,
    .mapped = overlay_mapped,
    .seekable = true,
    .direct = true,
};

/* ---- Without an open file ---- */

static enum err overlay_truncate(struct inode *inode, uint64_t size)
{
    enum err e = overlay_copy_up_now(inode, size);
    if (e != E_OK)
        return e;
    e = vfs_truncate(overlay_real(inode), size);
    overlay_follow(inode);
    return e;
}

static enum err overlay_allocate(struct inode *inode, uint32_t mode, uint64_t offset, uint64_t size)
{
    enum err e = overlay_copy_up_now(inode, UINT64_MAX);
    if (e != E_OK)
        return e;
    struct inode *real = overlay_real(inode)->inode;
    e = real->ops && real->ops->allocate ? real->ops->allocate(real, mode, offset, size) : E_NOTSUP;
    overlay_follow(inode);
    return e;
}

static uint64_t overlay_blocks(const struct inode *inode)
{
    const struct inode *real = overlay_real(inode)->inode;
    return real->ops && real->ops->blocks ? real->ops->blocks(real) : 0;
}

static void overlay_file_destroy(struct inode *inode)
{
    dentry_put(overlay_node_of(inode)->upper);
    dentry_put(overlay_node_of(inode)->lower);
}

const struct inode_ops overlay_file_inode_ops = {
    .truncate = overlay_truncate,
    .allocate = overlay_allocate,
    .blocks = overlay_blocks,
    .destroy = overlay_file_destroy,
};
