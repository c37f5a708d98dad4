/* SPDX-License-Identifier: MIT */
/* /proc/PID/ns (namespaces(7), ioctl_ns(2)): there may be several namespaces of two kinds; one of each other, that of all processes. */
#include "base/fmt.h"
#include "base/str.h"
#include "fs/proc/procfs.h"
#include "fs/vfs/anon_file.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/process.h"
#include "mm/vm/usercopy.h"

#define USER     8 /* of namespaces[] */
#define NEW_USER 0x10000000
#define NEW_PID  0x20000000

/* Inode numbers of the first ones are Linux's (PROC_PID_INIT_INO and its like), or such as Linux has after boot; flags: CLONE_NEW*. */
static const struct row {
    const char *name, *kind;
    uint32_t ino, flag;
} namespaces[] = {
    {"cgroup", "cgroup", 0xeffffffb, 0x02000000},
    {"ipc", "ipc", 0xefffffff, 0x08000000},
    {"mnt", "mnt", NAMESPACE_MOUNT_INO, CLONE_NEWNS},
    {"net", "net", 0xf0000000, 0x40000000},
    {"pid", "pid", 0xeffffffc, NEW_PID},
    {"pid_for_children", "pid", 0xeffffffc, NEW_PID},
    {"time", "time", 0xeffffffa, 0x00000080},
    {"time_for_children", "time", 0xeffffffa, 0x00000080},
    [USER] = {"user", "user", 0xeffffffd, NEW_USER},
    {"uts", "uts", NAMESPACE_UTS_INO, CLONE_NEWUTS},
};

static struct filesystem nsfs = {.type = "nsfs", .magic = 0x6e736673, .device = 4};

static const struct file_ops ns_file_ops;

/* The inode keeps the namespace, if it is one of several, for descriptors of O_PATH, too. */
static void ns_destroy(struct inode *inode)
{
    namespace_put(namespace_find((uint32_t)inode->ino));
}

static const struct inode_ops ns_inode_ops = {.destroy = ns_destroy};

static enum err ns_dentry(const struct row *row, uint32_t ino, struct dentry **out)
{
    char format[24];
    fmt_snprintf(format, sizeof format, "%s:[%%lu]", row->kind);
    nsfs.next_ino = ino;
    enum err e = anon_dentry(&nsfs, S_IFREG | 0444, format, out);
    if (e != E_OK)
        return e;
    struct namespace *ns = namespace_find(ino);
    if (ns)
        namespace_get(ns);
    (*out)->inode->ops = &ns_inode_ops;
    (*out)->inode->file_ops = &ns_file_ops;
    return E_OK;
}

static uint32_t flag_of(const struct file *file)
{
    const struct namespace *ns = namespace_find((uint32_t)file->inode->ino);
    const struct row *row = namespaces;
    if (ns)
        return ns->kind;
    while (row->ino != file->inode->ino)
        row++;
    return row->flag;
}

/* The namespace that owns the others. */
static enum err open_user(uint64_t *result)
{
    struct dentry *dentry;
    struct file *file;
    int fd;
    enum err e = ns_dentry(&namespaces[USER], namespaces[USER].ino, &dentry);
    if (e != E_OK)
        return e;
    e = anon_open(dentry, &ns_file_ops, NULL, O_RDONLY, &file);
    dentry_put(dentry);
    if (e != E_OK)
        return e;
    e = file_table_add(file_table_current(), file, 0, true, &fd);
    if (e == E_OK)
        *result = (uint64_t)fd;
    else
        file_put(file);
    return e;
}

static enum err ns_control(struct file *file, uint32_t command, uint64_t argument, uint64_t *result)
{
    enum {
        NS_GET_USERNS = 0xb701,
        NS_GET_PARENT,
        NS_GET_NSTYPE,
        NS_GET_OWNER_UID
    };
    const uint32_t flag = flag_of(file);
    const uint32_t root = 0;
    switch (command) {
    case NS_GET_USERNS:
        return flag == NEW_USER ? E_PERM : open_user(result);
    case NS_GET_PARENT: /* of the first there is none */
        return flag == NEW_USER || flag == NEW_PID ? E_PERM : E_INVAL;
    case NS_GET_NSTYPE:
        *result = flag;
        return E_OK;
    case NS_GET_OWNER_UID:
        return flag == NEW_USER ? copy_out(virt(argument), &root, sizeof root) : E_INVAL;
    default:
        return E_NOTTY;
    }
}

static const struct file_ops ns_file_ops = {.control = ns_control};

static enum err ns_jump(struct inode *inode, struct location *out)
{
    const struct procfs_node *node = (const struct procfs_node *)inode;
    const struct row *row = &namespaces[node->number];
    struct fs_process p = {0};
    out->mount = NULL;
    if (!fs_describe(node->pid, 0, &p) || !p.context)
        return E_NOENT;
    uint32_t ino = row->flag == CLONE_NEWNS    ? p.context->mounts->base.ino
                   : row->flag == CLONE_NEWUTS ? p.names->ino
                                               : row->ino;
    return ns_dentry(row, ino, &out->dentry);
}

static const struct inode_ops ns_link_ops = {.jump = ns_jump};

static enum err ns_lookup(struct dentry *directory, const char *name, size_t length,
                          struct dentry **out)
{
    for (uint32_t i = 0; i < ARRAY_LENGTH(namespaces); i++) {
        const char *known = namespaces[i].name;
        if (strlen(known) != length || memcmp(known, name, length) != 0)
            continue;
        struct procfs_made what = {.name = known,
                                   .mode = S_IFLNK | 0777,
                                   .ops = &ns_link_ops,
                                   .pid = ((const struct procfs_node *)directory->inode)->pid,
                                   .number = i};
        return procfs_make(directory, &what, out);
    }
    return E_NOENT;
}

static bool ns_list(struct inode *directory, uint64_t *cookie, char *name, size_t *length,
                    uint64_t *ino, uint8_t *type)
{
    if (*cookie >= ARRAY_LENGTH(namespaces))
        return false;
    *length = fmt_snprintf(name, NAME_MAX_LENGTH, "%s", namespaces[*cookie].name);
    *ino = (directory->ino << 32) + *cookie;
    *type = S_IFLNK >> 12;
    return true;
}

const struct inode_ops procfs_ns_ops = {.lookup = ns_lookup, .list = ns_list};
