/* SPDX-License-Identifier: MIT */
#include "fs/vfs/lease.h"

#include "fs/vfs/async.h"
#include "fs/vfs/dentry.h"
#include "fs/vfs/wait.h"
#include "kern/time.h"
#include "mm/heap/heap.h"
#include "mm/vm/areas.h"

struct lease {
    struct lease *next;
    struct file *file;
    int fd;
    uint32_t type, target; /* target: to be reached by `deadline`, or as `type` */
    uint64_t deadline;
};

uint64_t lease_break_seconds = 45;

static struct lease **lease_find(const struct file *file)
{
    static struct lease *none;
    struct inode *inode = file->inode;
    struct lease **at = inode->quick & INODE_LEASED ? &inode->leases : &none;
    while (*at && (*at)->file != file)
        at = &(*at)->next;
    return at;
}

static bool lease_conflicts(const struct lease *lease, bool writes)
{
    return writes || lease->type == LEASE_WRITE;
}

static void lease_change(struct lease **at, uint32_t type)
{
    struct lease *lease = *at;
    struct inode *inode = lease->file->inode;
    bool ends = type == LEASE_READ && lease->target == LEASE_NONE; /* it is still to be given up */
    lease->type = type;
    lease->target = ends ? LEASE_NONE : type;
    if (type == LEASE_NONE) {
        *at = lease->next;
        async_forget_owner(lease->file);
        heap_free(lease);
        if (!inode->leases)
            inode->quick &= (uint8_t)~INODE_LEASED;
    }
    inode_wake(inode);
}

void lease_end(const struct file *file)
{
    struct lease **at = lease_find(file);
    if (*at)
        lease_change(at, LEASE_NONE);
}

uint32_t lease_type(const struct file *file)
{
    const struct lease *lease = *lease_find(file);
    return lease ? lease->target : LEASE_NONE;
}

/* True if the file is open elsewhere: a dentry has references of its directory and of files. A mapping
 * counts as an open file, as on Linux, whose mappings hold theirs. */
static bool open_elsewhere(const struct dentry *dentry)
{
    const struct inode *inode = dentry->inode;
    return inode->mappings > 0 || dentry->references - (inode->nlink > 0) > 1;
}

static enum err lease_allowed(const struct file *file, uint32_t type)
{
    struct inode *inode = file->inode;
    if (type == LEASE_READ ? inode->writers > 0 || areas_may_store(&inode->pages)
                           : open_elsewhere(file->dentry))
        return E_AGAIN;
    for (const struct lease *other = inode->leases; other; other = other->next)
        if (other->file != file && (type == LEASE_WRITE || other->target == LEASE_NONE))
            return E_AGAIN;
    return E_OK;
}

static enum err lease_add(struct file *file, int fd, uint32_t type)
{
    enum err e = E_OK;
    if (async_owner(file).id == 0)
        e = async_set_owner(file, FS_OWNER_PROCESS, fs_caller_job().pid);
    struct lease *lease = e == E_OK ? heap_alloc_zero(sizeof(*lease)) : NULL;
    if (!lease)
        return E_NOMEM;
    *lease = (struct lease){
        .next = file->inode->leases, .file = file, .fd = fd, .type = type, .target = type};
    file->inode->leases = lease;
    file->inode->quick |= INODE_LEASED;
    return E_OK;
}

enum err lease_set(struct file *file, int fd, uint64_t type)
{
    struct lease **at = lease_find(file);
    if ((uint32_t)type > LEASE_NONE)
        return E_INVAL;
    if (credentials_current()->uid.fs != file->inode->uid && !capable(CAP_LEASE))
        return E_ACCES;
    if (!mode_is(file->inode->mode, S_IFREG))
        return E_INVAL;
    enum err e = E_AGAIN;
    if ((uint32_t)type != LEASE_NONE)
        e = lease_allowed(file, (uint32_t)type);
    else if (*at)
        e = E_OK;
    if (e != E_OK)
        return e;
    if (!*at)
        return lease_add(file, fd, (uint32_t)type);
    lease_change(at, (uint32_t)type);
    return E_OK;
}

struct breaker {
    const struct inode *inode;
    bool writes;
};

static const struct lease *lease_in_the_way(const struct breaker *b)
{
    const struct lease *lease = b->inode->leases;
    while (lease && !lease_conflicts(lease, b->writes))
        lease = lease->next;
    return lease;
}

static bool no_lease_is_in_the_way(void *context)
{
    return !lease_in_the_way(context);
}

static void lease_signal(struct lease *lease, uint32_t target)
{
    struct fs_owner owner = async_owner(lease->file);
    struct fs_io_event event = {async_signal(lease->file), lease->fd, FS_IO_MSG,
                                POLL_READABLE | POLL_MSG};
    if (lease->type == lease->target)
        lease->deadline = time_now_ns() + lease_break_seconds * NS_PER_SECOND;
    lease->target = target;
    if (owner.id != 0)
        fs_signal_owner(&owner, &event);
}

enum err lease_break(struct inode *inode, bool writes, bool wait)
{
    struct breaker b = {inode, writes};
    for (struct lease *lease = inode->leases; lease; lease = lease->next)
        if (lease_conflicts(lease, writes) &&
            (writes ? lease->target != LEASE_NONE : lease->target == LEASE_WRITE))
            lease_signal(lease, writes ? LEASE_NONE : LEASE_READ);
    const struct lease *first;
    while ((first = lease_in_the_way(&b))) {
        if (!wait)
            return E_AGAIN;
        enum err e = inode_wait(inode, no_lease_is_in_the_way, &b, first->deadline, false);
        if (e == E_INTR || e == E_NOMEM)
            return e;
        for (struct lease **at = &inode->leases; *at;) {
            struct lease *late = *at;
            if (late->type != late->target && late->deadline <= time_now_ns())
                lease_change(at, late->target);
            if (*at == late)
                at = &late->next;
        }
    }
    return E_OK;
}
