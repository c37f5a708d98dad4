/* SPDX-License-Identifier: MIT */
#include "linux/process/sys_ids.h"

#include "base/str.h"
#include "fs/vfs/context.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define ID_KEEP UINT32_MAX /* -1: unchanged */

/* Copies the fs ids to the VFS, which checks permissions with them. */
static void publish(void)
{
    struct fs_context *fs = fs_current();
    fs->uid = process_current()->uid.fs;
    fs->gid = process_current()->gid.fs;
}

enum err sys_getuid(struct syscall *call)
{
    call->result = process_current()->uid.real;
    return E_OK;
}

enum err sys_geteuid(struct syscall *call)
{
    call->result = process_current()->uid.effective;
    return E_OK;
}

enum err sys_getgid(struct syscall *call)
{
    call->result = process_current()->gid.real;
    return E_OK;
}

enum err sys_getegid(struct syscall *call)
{
    call->result = process_current()->gid.effective;
    return E_OK;
}

/* setuid(2), setgid(2) */
static enum err set_one(struct ids *ids, uint32_t id)
{
    if (id == ID_KEEP)
        return E_INVAL;
    if (process_is_privileged())
        ids->real = ids->saved = id;
    else if (id != ids->real && id != ids->saved)
        return E_PERM;
    ids->effective = ids->fs = id;
    publish();
    return E_OK;
}

enum err sys_setuid(struct syscall *call)
{
    return set_one(&process_current()->uid, (uint32_t)call->arg[0]);
}

enum err sys_setgid(struct syscall *call)
{
    return set_one(&process_current()->gid, (uint32_t)call->arg[0]);
}

/* setreuid(2), setregid(2) */
static enum err set_two(struct ids *ids, uint32_t real, uint32_t effective)
{
    struct ids old = *ids;
    if (!process_is_privileged()) {
        if (real != ID_KEEP && real != old.real && real != old.effective)
            return E_PERM;
        if (effective != ID_KEEP && effective != old.real && effective != old.effective &&
            effective != old.saved)
            return E_PERM;
    }
    if (real != ID_KEEP)
        ids->real = real;
    if (effective != ID_KEEP)
        ids->effective = effective;
    if (real != ID_KEEP || (effective != ID_KEEP && effective != old.real))
        ids->saved = ids->effective;
    ids->fs = ids->effective;
    publish();
    return E_OK;
}

enum err sys_setreuid(struct syscall *call)
{
    return set_two(&process_current()->uid, (uint32_t)call->arg[0], (uint32_t)call->arg[1]);
}

enum err sys_setregid(struct syscall *call)
{
    return set_two(&process_current()->gid, (uint32_t)call->arg[0], (uint32_t)call->arg[1]);
}

static bool may_become(const struct ids *ids, uint32_t id)
{
    return id == ID_KEEP || id == ids->real || id == ids->effective || id == ids->saved;
}

/* setresuid(2), setresgid(2) */
static enum err set_three(struct ids *ids, const uint64_t *arg)
{
    uint32_t real = (uint32_t)arg[0], effective = (uint32_t)arg[1], saved = (uint32_t)arg[2];
    if (!process_is_privileged() &&
        !(may_become(ids, real) && may_become(ids, effective) && may_become(ids, saved)))
        return E_PERM;
    if (real != ID_KEEP)
        ids->real = real;
    if (effective != ID_KEEP)
        ids->effective = effective;
    if (saved != ID_KEEP)
        ids->saved = saved;
    ids->fs = ids->effective;
    publish();
    return E_OK;
}

enum err sys_setresuid(struct syscall *call)
{
    return set_three(&process_current()->uid, call->arg);
}

enum err sys_setresgid(struct syscall *call)
{
    return set_three(&process_current()->gid, call->arg);
}

static enum err get_three(const struct ids *ids, const uint64_t *arg)
{
    enum err e = copy_out(virt(arg[0]), &ids->real, sizeof ids->real);
    if (e == E_OK)
        e = copy_out(virt(arg[1]), &ids->effective, sizeof ids->effective);
    if (e == E_OK)
        e = copy_out(virt(arg[2]), &ids->saved, sizeof ids->saved);
    return e;
}

enum err sys_getresuid(struct syscall *call)
{
    return get_three(&process_current()->uid, call->arg);
}

enum err sys_getresgid(struct syscall *call)
{
    return get_three(&process_current()->gid, call->arg);
}

/* Returns the old id, changed or not; there is no error (setfsuid(2)). */
static uint32_t set_fs(struct ids *ids, uint32_t id)
{
    uint32_t old = ids->fs;
    if (id != ID_KEEP && (process_is_privileged() || may_become(ids, id) || id == old))
        ids->fs = id;
    publish();
    return old;
}

enum err sys_setfsuid(struct syscall *call)
{
    call->result = set_fs(&process_current()->uid, (uint32_t)call->arg[0]);
    return E_OK;
}

enum err sys_setfsgid(struct syscall *call)
{
    call->result = set_fs(&process_current()->gid, (uint32_t)call->arg[0]);
    return E_OK;
}

enum err sys_getgroups(struct syscall *call)
{
    int room = (int)call->arg[0];
    if (room < 0)
        return E_INVAL;
    call->result = process_current()->group_count;
    if (room == 0)
        return E_OK;
    if ((uint32_t)room < process_current()->group_count)
        return E_INVAL;
    return copy_out(virt(call->arg[1]), process_current()->groups,
                    process_current()->group_count * sizeof(uint32_t));
}

enum err sys_setgroups(struct syscall *call)
{
    uint32_t count = (uint32_t)call->arg[0];
    uint32_t *groups = NULL;
    if (!process_is_privileged())
        return E_PERM;
    if (count > PROCESS_GROUPS_MAX)
        return E_INVAL;
    if (count > 0) {
        groups = heap_alloc(count * sizeof *groups);
        if (groups == NULL)
            return E_NOMEM;
        enum err e = copy_in(groups, virt(call->arg[1]), count * sizeof *groups);
        if (e != E_OK) {
            heap_free(groups);
            return e;
        }
    }
    heap_free(process_current()->groups);
    process_current()->groups = groups;
    process_current()->group_count = count;
    return E_OK;
}

struct cap_header {
    uint32_t version;
    int32_t pid;
};

struct cap_data {
    uint32_t effective, permitted, inheritable;
};

#define CAPABILITY_VERSION_1 0x19980330
#define CAPABILITY_VERSION_2 0x20071026
#define CAPABILITY_VERSION_3 0x20080522

/* *words: number of struct cap_data for the version. For an unknown version, version 3 is written
 * back. */
static MUST_CHECK enum err copy_in_header(virt_t at, bool query, struct cap_header *header,
                                          unsigned *words)
{
    enum err e = copy_in(header, at, sizeof *header);
    if (e != E_OK)
        return e;
    switch (header->version) {
    case CAPABILITY_VERSION_1:
        *words = 1;
        return E_OK;
    case CAPABILITY_VERSION_2:
    case CAPABILITY_VERSION_3:
        *words = 2;
        return E_OK;
    default:
        header->version = CAPABILITY_VERSION_3;
        e = copy_out(at, &header->version, sizeof header->version);
        if (e != E_OK)
            return e;
        *words = 0;
        return query ? E_OK : E_INVAL;
    }
}

enum err sys_capget(struct syscall *call)
{
    struct cap_header header;
    struct cap_data data[2] = {0};
    unsigned words;
    bool query = call->arg[1] == 0; /* a query of the version */
    enum err e = copy_in_header(virt(call->arg[0]), query, &header, &words);
    if (e != E_OK || query)
        return e;
    if (header.pid < 0)
        return E_INVAL;
    if (header.pid != 0 && linux_thread_find(header.pid) == NULL)
        return E_SRCH;
    uint64_t held = process_is_privileged() ? process_current()->capabilities : 0;
    for (unsigned i = 0; i < words; i++)
        data[i].effective = data[i].permitted = (uint32_t)(held >> (32 * i));
    return copy_out(virt(call->arg[1]), data, words * sizeof data[0]);
}

enum err sys_capset(struct syscall *call)
{
    struct cap_header header;
    struct cap_data data[2] = {0};
    unsigned words;
    enum err e = copy_in_header(virt(call->arg[0]), false, &header, &words);
    if (e != E_OK)
        return e;
    if (header.pid != 0 && header.pid != linux_current()->tid)
        return E_PERM;
    e = copy_in(data, virt(call->arg[1]), words * sizeof data[0]);
    if (e != E_OK)
        return e;
    uint64_t permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    uint64_t effective = data[0].effective | (uint64_t)data[1].effective << 32;
    permitted &= CAPABILITIES_ALL;
    effective &= CAPABILITIES_ALL;
    if ((permitted & ~process_current()->capabilities) || (effective & ~permitted))
        return E_PERM;
    process_current()->capabilities = permitted;
    return E_OK;
}
