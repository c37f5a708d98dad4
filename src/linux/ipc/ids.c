/* SPDX-License-Identifier: MIT */
#include "linux/ipc/ids.h"

#include "base/str.h"
#include "fs/vfs/credentials.h"
#include "kern/time.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"

#define ID_SHIFT   15
#define CYCLE_MIN  64u /* slots that are used in turn, at least */
#define RIGHTS_ALL 0777u

static struct ipc_object *object_of(struct hash_link *link)
{
    return CONTAINER_OF(link, struct ipc_object, by_key);
}

enum err ipc_lookup(const struct ipc_ids *ids, int key, uint32_t flags, struct ipc_object **out)
{
    *out = NULL;
    if (key == IPC_PRIVATE)
        return E_OK;
    struct hash_link *link = hash_table_first(&ids->keys, (uint32_t)key);
    if (!link)
        return flags & IPC_CREAT ? E_OK : E_NOENT;
    if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
        return E_EXIST;
    *out = object_of(link);
    return E_OK;
}

static MUST_CHECK enum err ids_grow(struct ipc_ids *ids)
{
    uint32_t capacity = ids->capacity ? ids->capacity * 2 : CYCLE_MIN;
    struct ipc_object **slots = heap_resize(ids->slots, capacity * sizeof(*slots));
    if (!slots)
        return E_NOMEM;
    ids->slots = slots;
    uint64_t *used = heap_resize(ids->used, capacity / 8);
    if (!used)
        return E_NOMEM;
    ids->used = used;
    memset(slots + ids->capacity, 0, (capacity - ids->capacity) * sizeof(*slots));
    memset(used + ids->capacity / 64, 0, (capacity - ids->capacity) / 8);
    ids->capacity = capacity;
    return E_OK;
}

/* The first free slot from `at` on, or from 0 on, below `end`, a third of which at least is free. */
static uint32_t free_slot(const struct ipc_ids *ids, uint32_t at, uint32_t end)
{
    if (at >= end)
        at = 0;
    for (;;) {
        uint64_t busy = ids->used[at / 64] >> at % 64;
        if (!(busy & 1))
            return at;
        at = busy == UINT64_MAX >> at % 64 ? (at | 63) + 1 : at + 1;
        if (at >= end)
            at = 0;
    }
}

enum err ipc_add(struct ipc_ids *ids, struct ipc_object *object, int key, uint32_t flags)
{
    if (ids->count >= ids->limit)
        return E_NOSPC;
    uint32_t end = ids->count + ids->count / 2 + 1, wanted = (uint32_t)*ids->next;
    bool chosen = wanted != UINT32_MAX;
    *ids->next = UINT64_MAX;
    if (chosen)
        end += wanted % IPC_SLOTS;
    end = end < CYCLE_MIN ? CYCLE_MIN : end;
    end = end > IPC_SLOTS ? IPC_SLOTS : end;
    while (ids->capacity < end)
        if (ids_grow(ids) != E_OK)
            return E_NOMEM;
    const struct credentials *c = credentials_current();
    uint32_t slot = free_slot(ids, chosen ? wanted % IPC_SLOTS : ids->last + 1, end);
    uint32_t sequence = wanted >> ID_SHIFT;
    if (!chosen) {
        if (ids->last != UINT32_MAX && slot <= ids->last)
            ids->sequence = (ids->sequence + 1) & (INT32_MAX >> ID_SHIFT);
        ids->last = slot;
        sequence = ids->sequence;
    }
    ids->slots[slot] = object;
    ids->used[slot / 64] |= UINT64_C(1) << slot % 64;
    ids->count++;
    if (slot >= ids->end)
        ids->end = slot + 1;
    object->id = (int)(sequence << ID_SHIFT | slot);
    object->key = key;
    object->uid = object->cuid = c->uid.effective;
    object->gid = object->cgid = c->gid.effective;
    object->mode = flags & RIGHTS_ALL;
    object->changed = ipc_now();
    if (key != IPC_PRIVATE)
        hash_table_add(&ids->keys, &object->by_key, (uint32_t)key);
    return E_OK;
}

void ipc_hide(struct ipc_ids *ids, struct ipc_object *object)
{
    if (object->key != IPC_PRIVATE)
        hash_table_remove(&ids->keys, &object->by_key);
    object->key = IPC_PRIVATE;
}

void ipc_remove(struct ipc_ids *ids, struct ipc_object *object)
{
    uint32_t slot = (uint32_t)object->id % IPC_SLOTS;
    ipc_hide(ids, object);
    ids->slots[slot] = NULL;
    ids->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    ids->count--;
    while (ids->end > 0 && !ids->slots[ids->end - 1])
        ids->end--;
}

struct ipc_object *ipc_at(const struct ipc_ids *ids, int index)
{
    return index >= 0 && (uint32_t)index < ids->capacity ? ids->slots[index] : NULL;
}

struct ipc_object *ipc_find(const struct ipc_ids *ids, int id)
{
    struct ipc_object *object = id >= 0 ? ipc_at(ids, id % (int)IPC_SLOTS) : NULL;
    return object && object->id == id ? object : NULL;
}

uint64_t ipc_last_index(const struct ipc_ids *ids)
{
    return ids->end > 0 ? ids->end - 1 : 0;
}

enum err ipc_may(const struct ipc_object *object, uint32_t rights)
{
    const struct credentials *c = credentials_current();
    uint32_t wanted = (rights >> 6 | rights >> 3 | rights) & 7, granted = object->mode;
    if (c->uid.effective == object->cuid || c->uid.effective == object->uid)
        granted >>= 6;
    else if (credentials_in_group(c, object->cgid) || credentials_in_group(c, object->gid))
        granted >>= 3;
    return (wanted & ~granted) && !credentials_have(c, CAP_IPC_OWNER) ? E_ACCES : E_OK;
}

enum err ipc_may_control(const struct ipc_object *object)
{
    uint32_t uid = credentials_current()->uid.effective;
    return uid == object->cuid || uid == object->uid || capable(CAP_SYS_ADMIN) ? E_OK : E_PERM;
}

struct ipc_perm ipc_perm_of(const struct ipc_object *o)
{
    return (struct ipc_perm){.key = o->key,
                             .uid = o->uid,
                             .gid = o->gid,
                             .cuid = o->cuid,
                             .cgid = o->cgid,
                             .mode = o->mode,
                             .sequence = (uint16_t)(o->id >> ID_SHIFT)};
}

void ipc_set(struct ipc_object *object, const struct ipc_perm *perm)
{
    object->uid = perm->uid;
    object->gid = perm->gid;
    object->mode = (object->mode & ~RIGHTS_ALL) | (perm->mode & RIGHTS_ALL);
    object->changed = ipc_now();
}

enum err ipc_for_stat(const struct ipc_ids *ids, int number, bool by_index, bool any,
                      struct ipc_object **out)
{
    *out = by_index ? ipc_at(ids, number % (int)IPC_SLOTS) : ipc_find(ids, number);
    if (!*out)
        return E_INVAL;
    return any ? E_OK : ipc_may(*out, IPC_READ);
}

/* Of the process that ended last: its memory and its files go when its thread belongs to none any longer. */
static int ending_pid;

void ipc_set_ending(int pid)
{
    ending_pid = pid;
}

int ipc_caller_pid(void)
{
    return linux_current() ? process_current()->pid : ending_pid;
}

int64_t ipc_now(void)
{
    return (int64_t)(time_realtime_ns() / NS_PER_SECOND);
}

enum err ipc_sleep(struct ipc_waiter *waiter, struct list *in, uint64_t deadline)
{
    wait_queue_init(&waiter->queue);
    waiter->done = false;
    list_add_tail(in, &waiter->link);
    enum err e = WAIT_EVENT(&waiter->queue, waiter->done, deadline);
    list_remove(&waiter->link);
    return waiter->done ? waiter->result : e;
}

void ipc_wake(struct ipc_waiter *waiter, enum err result)
{
    waiter->done = true;
    waiter->result = result;
    list_remove(&waiter->link);
    wait_queue_wake(&waiter->queue);
}

void ipc_wake_all(struct list *list, enum err result)
{
    while (!list_empty(list))
        ipc_wake(CONTAINER_OF(list->next, struct ipc_waiter, link), result);
}

void ipc_show_table(struct text *text, void *context)
{
    const struct ipc_table *table = context;
    text_printf(text, "%s\n", table->heading);
    for (uint32_t i = 0; i < table->ids->end; i++)
        if (table->ids->slots[i])
            table->row(text, table->ids->slots[i]);
}
