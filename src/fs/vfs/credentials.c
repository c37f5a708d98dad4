/* SPDX-License-Identifier: MIT */
#include "fs/vfs/credentials.h"

#include "fs/vfs/abi.h"
#include "mm/heap/heap.h"

struct credentials credentials_first = {
    .references = 1,
    .permitted = CAPABILITIES_ALL,
    .effective = CAPABILITIES_ALL,
    .bounding = CAPABILITIES_ALL,
};

struct credentials *credentials_copy(const struct credentials *from)
{
    struct credentials *to = heap_alloc(sizeof(*to));
    if (!to)
        return NULL;
    *to = *from;
    to->references = 1;
    if (to->groups)
        to->groups->references++;
    return to;
}

/* The count is the only member that changes. */
static uint32_t *count_of(const struct credentials *credentials)
{
    return (uint32_t *)(uintptr_t)&credentials->references;
}

void credentials_get(const struct credentials *credentials)
{
    ++*count_of(credentials);
}

void credentials_put(const struct credentials *credentials)
{
    if (--*count_of(credentials) > 0)
        return;
    struct credentials *last = (struct credentials *)(uintptr_t)credentials;
    credentials_set_groups(last, NULL);
    heap_free(last);
}

struct group_list *group_list_new(uint32_t count)
{
    struct group_list *list = heap_alloc(sizeof(*list) + count * sizeof(list->id[0]));
    if (list) {
        list->references = 1;
        list->count = count;
    }
    return list;
}

/* Moves id[at] down in the heap id[0 .. count), whose parents are not less than their children. */
static void sift(uint32_t *id, uint32_t at, uint32_t count)
{
    uint32_t moved = id[at], child;
    for (; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && id[child + 1] > id[child])
            child++;
        if (id[child] <= moved)
            break;
        id[at] = id[child];
    }
    id[at] = moved;
}

void group_list_sort(struct group_list *list)
{
    uint32_t *id = list->id;
    for (uint32_t at = list->count / 2; at > 0; at--)
        sift(id, at - 1, list->count);
    for (uint32_t last = list->count; last > 1; last--) {
        uint32_t greatest = id[0];
        id[0] = id[last - 1];
        id[last - 1] = greatest;
        sift(id, 0, last - 1);
    }
}

void credentials_set_groups(struct credentials *credentials, struct group_list *list)
{
    struct group_list *old = credentials->groups;
    credentials->groups = list;
    if (old && --old->references == 0)
        heap_free(old);
}

static bool is_member(const struct group_list *list, uint32_t gid)
{
    uint32_t from = 0, to = list ? list->count : 0;
    while (from < to) {
        uint32_t middle = (from + to) / 2;
        if (list->id[middle] == gid)
            return true;
        if (list->id[middle] < gid)
            from = middle + 1;
        else
            to = middle;
    }
    return false;
}

bool credentials_in_egroup(const struct credentials *c, uint32_t gid)
{
    return gid == c->gid.effective || is_member(c->groups, gid);
}

bool credentials_in_group(const struct credentials *c, uint32_t gid)
{
    return gid == c->gid.fs || is_member(c->groups, gid);
}

bool capable(enum capability capability)
{
    return credentials_have(credentials_current(), capability);
}

bool credentials_may_override(const struct credentials *c, uint32_t mode, uint32_t may)
{
    bool directory = mode_is(mode, S_IFDIR);
    bool reads = directory ? !(may & MAY_WRITE) : may == MAY_READ;
    if (reads && credentials_have(c, CAP_DAC_READ_SEARCH))
        return true;
    bool executable = directory || !(may & MAY_EXECUTE) || (mode & 0111);
    return executable && credentials_have(c, CAP_DAC_OVERRIDE);
}

bool credentials_may_access(const struct credentials *c, struct file_rights file, uint32_t may)
{
    uint32_t granted = file.mode;
    if (file.uid == c->uid.fs)
        granted >>= 6;
    else if ((granted >> 3 ^ granted) & may && credentials_in_group(c, file.gid))
        granted >>= 3;
    return !(may & ~granted) || credentials_may_override(c, file.mode, may);
}

uint32_t credentials_lost_set_ids(const struct credentials *c, struct file_rights file)
{
    uint32_t lost = file.mode & S_ISUID;
    bool kept = !(file.mode & 0010) &&
                (credentials_in_group(c, file.gid) || credentials_have(c, CAP_FSETID));
    return kept ? lost : lost | (file.mode & S_ISGID);
}
