/* SPDX-License-Identifier: MIT */
/* swapon(2) and swapoff(2): one disk or partition at a time, no swap files. */
#include "base/fmt.h"
#include "fs/vfs/context.h"
#include "fs/vfs/dentry.h"
#include "fs/vfs/devices.h"
#include "fs/vfs/inode.h"
#include "kern/swap.h"
#include "linux/file/args.h"
#include "linux/file/sys_file.h"

enum { /* swapon(2) */
    SWAP_FLAG_PRIO_MASK = 0x7fff,
    SWAP_FLAG_PREFER = 0x8000,
    SWAP_FLAGS = 0x7ffff,
};

/* The block device that the path names. E_INVAL: it is another file. */
static enum err device_at(uint64_t path, struct block_device **out)
{
    struct location at;
    enum err e = lookup_at((uint64_t)AT_FDCWD, path, 0, &at);
    if (e != E_OK)
        return e;
    const struct inode *inode = at.dentry->inode;
    *out = (inode->mode & S_IFMT) == S_IFBLK
               ? block_find_number(device_major(inode->device), device_minor(inode->device))
               : NULL;
    location_put(&at);
    return *out != NULL ? E_OK : E_INVAL;
}

enum err sys_swapon(struct syscall *call)
{
    uint32_t flags = (uint32_t)call->arg[1];
    struct block_device *device;
    char name[SWAP_NAME];
    if (flags & ~(uint32_t)SWAP_FLAGS)
        return E_INVAL;
    if (!capable(CAP_SYS_ADMIN))
        return E_PERM;
    enum err e = device_at(call->arg[0], &device);
    if (e != E_OK)
        return e;
    if (swap_device != NULL && swap_device->device != device)
        return E_PERM; /* Linux: as above its greatest number of devices */
    fmt_snprintf(name, sizeof name, "/dev/%s", device->name);
    return swap_on(device, name,
                   flags & SWAP_FLAG_PREFER ? (int)(flags & SWAP_FLAG_PRIO_MASK) : -2);
}

enum err sys_swapoff(struct syscall *call)
{
    struct block_device *device;
    if (!capable(CAP_SYS_ADMIN))
        return E_PERM;
    enum err e = device_at(call->arg[0], &device);
    return e == E_OK ? swap_off(device) : e;
}
