/* SPDX-License-Identifier: MIT */
/*
 * Namespaces (namespaces(7)) of the kinds of which there may be several: mounts (fs/vfs/mount.h) and names of the
 * machine (linux/task/uts.h). One lives while a process is in it or a file of /proc/PID/ns is open. Under kernel_lock.
 */
#pragma once

#include "base/list.h"
#include "cpu/lock.h"

#include <stdint.h>

#define CLONE_NEWNS         UINT32_C(0x00020000)
#define CLONE_NEWUTS        UINT32_C(0x04000000)

#define NAMESPACE_MOUNT_INO UINT32_C(0xf0000001) /* of the first ones, as on Linux after boot */
#define NAMESPACE_UTS_INO   UINT32_C(0xeffffffe)

struct namespace
{
    uint32_t references;
    uint32_t kind;                      /* CLONE_NEW* */
    uint32_t ino;                       /* of its file of nsfs */
    struct list link;                   /* of all */
    void (*end)(struct namespace * ns); /* the last reference is gone; does not sleep */
};

/* Numbers it, with one reference for the caller. `ino` 0: the next number; else it is the first of its kind, which does not end. O(1). */
void namespace_init(struct namespace *ns, uint32_t kind, uint32_t ino,
                    void (*end)(struct namespace *ns));
/* The namespace with the number; NULL: there is none. O(namespaces). */
struct namespace *namespace_find(uint32_t ino);
static inline void namespace_get(struct namespace *ns)
{
    ns->references++;
}
void namespace_put(struct namespace *ns); /* NULL is allowed */
