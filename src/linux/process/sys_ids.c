/* SPDX-License-Identifier: MIT */
#include "linux/process/sys_ids.h"

#include "linux/task/rights.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

enum err sys_getuid(struct syscall *call)
{
    call->result = credentials_current()->uid.real;
    return E_OK;
}

enum err sys_geteuid(struct syscall *call)
{
    call->result = credentials_current()->uid.effective;
    return E_OK;
}

enum err sys_getgid(struct syscall *call)
{
    call->result = credentials_current()->gid.real;
    return E_OK;
}

enum err sys_getegid(struct syscall *call)
{
    call->result = credentials_current()->gid.effective;
    return E_OK;
}

/* Changes a copy of the calling thread's credentials by a rule, and takes it if the rule allows. */
static enum err change_ids(const struct syscall *call, bool group,
                           enum err (*rule)(struct credentials *, bool, const uint32_t *))
{
    const uint32_t arg[3] = {(uint32_t)call->arg[0], (uint32_t)call->arg[1],
                             (uint32_t)call->arg[2]};
    struct credentials *new = credentials_copy(credentials_current());
    if (new == NULL)
        return E_NOMEM;
    return credentials_commit(new, rule(new, group, arg));
}

enum err sys_setuid(struct syscall *call)
{
    return change_ids(call, false, rights_set_one);
}

enum err sys_setgid(struct syscall *call)
{
    return change_ids(call, true, rights_set_one);
}

enum err sys_setreuid(struct syscall *call)
{
    return change_ids(call, false, rights_set_two);
}

enum err sys_setregid(struct syscall *call)
{
    return change_ids(call, true, rights_set_two);
}

enum err sys_setresuid(struct syscall *call)
{
    return change_ids(call, false, rights_set_three);
}

enum err sys_setresgid(struct syscall *call)
{
    return change_ids(call, true, rights_set_three);
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
    return get_three(&credentials_current()->uid, call->arg);
}

enum err sys_getresgid(struct syscall *call)
{
    return get_three(&credentials_current()->gid, call->arg);
}

/* Returns the old id, changed or not; there is no error (setfsuid(2)). */
enum err sys_setfsuid(struct syscall *call)
{
    call->result = credentials_current()->uid.fs;
    (void)!change_ids(call, false, rights_set_fs);
    return E_OK;
}

enum err sys_setfsgid(struct syscall *call)
{
    call->result = credentials_current()->gid.fs;
    (void)!change_ids(call, true, rights_set_fs);
    return E_OK;
}

enum err sys_getgroups(struct syscall *call)
{
    const struct group_list *list = credentials_current()->groups;
    int room = (int)call->arg[0];
    uint32_t count = list != NULL ? list->count : 0;
    if (room < 0)
        return E_INVAL;
    call->result = count;
    if (room == 0 || count == 0)
        return E_OK;
    return (uint32_t)room < count
               ? E_INVAL
               : copy_out(virt(call->arg[1]), list->id, count * sizeof list->id[0]);
}

static enum err set_groups(struct group_list *list)
{
    struct credentials *new = credentials_copy(credentials_current());
    if (new == NULL) {
        heap_free(list);
        return E_NOMEM;
    }
    credentials_set_groups(new, list);
    return credentials_commit(new, E_OK);
}

enum err sys_setgroups(struct syscall *call)
{
    uint32_t count = (uint32_t)call->arg[0];
    if (!capable(CAP_SETGID))
        return E_PERM;
    if (count > GROUPS_MAX)
        return E_INVAL;
    if (count == 0)
        return set_groups(NULL);
    struct group_list *list = group_list_new(count);
    if (list == NULL)
        return E_NOMEM;
    enum err e = copy_in(list->id, virt(call->arg[1]), count * sizeof list->id[0]);
    for (uint32_t i = 0; e == E_OK && i < count; i++)
        e = list->id[i] == UINT32_MAX ? E_INVAL : E_OK;
    if (e != E_OK) {
        heap_free(list);
        return e;
    }
    group_list_sort(list);
    return set_groups(list);
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
    enum err e = copy_in(&header->version, at, sizeof header->version);
    if (e != E_OK)
        return e;
    switch (header->version) {
    case CAPABILITY_VERSION_1:
    case CAPABILITY_VERSION_2:
    case CAPABILITY_VERSION_3:
        *words = header->version == CAPABILITY_VERSION_1 ? 1 : 2;
        return copy_in(&header->pid, virt(at.v + sizeof header->version), sizeof header->pid);
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
    const struct linux_thread *lt = linux_thread_by_tid(header.pid);
    if (lt == NULL)
        return E_SRCH;
    const struct credentials *c = lt->credentials;
    for (unsigned i = 0; i < words; i++)
        data[i] = (struct cap_data){.effective = (uint32_t)(c->effective >> 32 * i),
                                    .permitted = (uint32_t)(c->permitted >> 32 * i),
                                    .inheritable = (uint32_t)(c->inheritable >> 32 * i)};
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
    const struct capability_sets sets = {
        .effective = data[0].effective | (uint64_t)data[1].effective << 32,
        .permitted = data[0].permitted | (uint64_t)data[1].permitted << 32,
        .inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32,
    };
    struct credentials *new = credentials_copy(credentials_current());
    if (new == NULL)
        return E_NOMEM;
    return credentials_commit(new, rights_set_capabilities(new, &sets));
}
