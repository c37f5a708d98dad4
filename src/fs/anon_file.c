/* SPDX-License-Identifier: MIT */
#include "fs/anon_file.h"

#include "base/str.h"

#define ANON_INODE_MAGIC 0x09041934

static struct filesystem anonymous = {
    .type = "anon_inodefs", .magic = ANON_INODE_MAGIC, .device = 13, .next_ino = 1};

enum err anon_file_open(const char *name, const struct file_ops *ops, void *state, uint32_t flags,
                        struct file **out)
{
    struct inode *inode;
    struct dentry *dentry;
    enum err e = inode_alloc(&anonymous, sizeof(*inode), 0600, &inode);
    if (e != E_OK)
        return e;
    inode->nlink = 1;
    e = dentry_alloc(NULL, name, strlen(name), inode, &dentry);
    inode_put(inode);
    if (e != E_OK)
        return e;
    e = file_alloc(dentry, ops, O_RDWR | flags, out);
    if (e == E_OK) {
        (*out)->state = state;
        dentry->inode->writers++;
    }
    dentry_put(dentry);
    return e;
}
