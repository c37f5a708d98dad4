/* SPDX-License-Identifier: MIT */
#include "fs/vfs/namespace.h"

static struct list all = LIST_INIT(all);
static uint32_t last_ino = NAMESPACE_MOUNT_INO;

void namespace_init(struct namespace *ns, uint32_t kind, uint32_t ino,
                    void (*end)(struct namespace *ns))
{
    ns->references = ino != 0 ? 2 : 1; /* the first of a kind stays */
    ns->kind = kind;
    ns->ino = ino != 0 ? ino : ++last_ino;
    ns->end = end;
    list_add_tail(&all, &ns->link);
}

struct namespace *namespace_find(uint32_t ino)
{
    list_for_each (it, &all) {
        struct namespace *ns = CONTAINER_OF(it, struct namespace, link);
        if (ns->ino == ino)
            return ns;
    }
    return NULL;
}

void namespace_put(struct namespace *ns)
{
    if (!ns || --ns->references > 0)
        return;
    list_remove(&ns->link);
    ns->end(ns);
}
