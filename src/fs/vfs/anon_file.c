/* SPDX-License-Identifier: MIT */
#include "fs/vfs/anon_file.h"

#include "base/fmt.h"
#include "fs/vfs/context.h"

#define ANON_INODE_MAGIC 0x09041934

static struct filesystem anonymous = {
    .type = "anon_inodefs", .magic = ANON_INODE_MAGIC, .device = 13, .next_ino = 1};

enum err anon_dentry(struct filesystem *fs, uint32_t mode, const char *format, struct dentry **out)
{
    struct inode *inode;
    enum err e = inode_alloc(fs, sizeof(*inode), mode, &inode);
    if (e != E_OK)
        return e;
    inode->nlink = 1;
    inode->uid = credentials_current()->uid.fs;
    inode->gid = credentials_current()->gid.fs;
    char name[40];
    size_t length = fmt_snprintf(name, sizeof(name), format, inode->ino);
    e = dentry_alloc(NULL, name, length, inode, out);
    inode_put(inode);
    return e;
}

enum err anon_open(struct dentry *dentry, const struct file_ops *ops, void *state, uint32_t flags,
                   struct file **out)
{
    enum err e = file_alloc(dentry, ops, flags, out);
    if (e != E_OK)
        return e;
    (*out)->state = state;
    if (file_can_write(*out))
        dentry->inode->writers++;
    return E_OK;
}

enum err anon_file_open(const char *name, const struct file_ops *ops, void *state, uint32_t flags,
                        struct file **out)
{
    struct dentry *dentry;
    enum err e = anon_dentry(&anonymous, 0600, name, &dentry);
    if (e != E_OK)
        return e;
    e = anon_open(dentry, ops, state, O_RDWR | flags, out);
    dentry_put(dentry);
    return e;
}
