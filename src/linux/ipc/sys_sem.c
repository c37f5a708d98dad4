/* SPDX-License-Identifier: MIT */
/*
 * System V semaphores (semop(2)). A waiter with one operation waits at its semaphore, in the order of arrival: for more, or
 * for zero; one with several waits at the set. A change looks at the waiters of the semaphore that changed, then at those of
 * the set; what a waiter changes in its turn is put on the set's list of changed semaphores.
 */
#include "linux/ipc/sys_ipc.h"

#include "base/str.h"
#include "linux/abi/time.h"
#include "linux/ipc/ids.h"
#include "linux/task/process.h"
#include "linux/task/thread_exit.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define VALUE_MAX   32767 /* SEMVMX, and of an adjustment SEMAEM */
#define SEM_UNDO    0x1000
#define OPS_NEAR    8u
#define NOT_CHANGED UINT16_MAX

enum {
    GETPID = 11,
    GETVAL = 12,
    GETALL = 13,
    GETNCNT = 14,
    GETZCNT = 15,
    SETVAL = 16,
    SETALL = 17,
    SEM_STAT = 18,
    SEM_INFO = 19,
    SEM_STAT_ANY = 20,
};

struct sem_op {
    uint16_t number;
    int16_t change;
    int16_t flags;
};

struct sem {
    uint16_t value;
    uint16_t
        next; /* of the set's list of changed semaphores: a number, its own for the last; NOT_CHANGED */
    int pid;
    struct list more, zero; /* struct sem_wait, of one operation */
};

struct sem_set {
    struct ipc_object object;
    uint32_t count;
    uint16_t changed; /* the first of the list; NOT_CHANGED: none */
    int64_t operated;
    struct list complex; /* struct sem_wait, of several operations */
    struct list undos;   /* struct sem_undo.in_set */
    struct sem sems[];
};

/* What the end of a process adds to the semaphores of a set. */
struct sem_undo {
    struct list in_set, of_process;
    struct hash_link found; /* by process and set */
    struct process *process;
    struct sem_set *set;
    int16_t adjust[];
};

struct sem_wait {
    struct ipc_waiter waiter;
    const struct sem_op *ops;
    uint32_t count;
    const struct sem_op *blocking;
    struct sem_undo *undo;
    int pid;
};

uint64_t sem_limits[4] = {32000, 1024000000, 500, 32000};
uint64_t sem_next_id = UINT64_MAX;
static struct ipc_ids sets = IPC_IDS_INIT(sets, 32000, sem_next_id);
static uint64_t sems_total;
static struct hash_table undos = HASH_TABLE_INIT(undos);

static struct sem_set *set_of(struct ipc_object *object)
{
    return CONTAINER_OF(object, struct sem_set, object);
}

static struct sem_wait *wait_of(struct list *link)
{
    return CONTAINER_OF(link, struct sem_wait, waiter.link);
}

/* ---- undo ---- */

static uint32_t undo_hash(const struct process *process, const struct sem_set *set)
{
    return (uint32_t)process->pid * 65599u + (uint32_t)set->object.id;
}

static struct sem_undo *undo_find(const struct process *process, const struct sem_set *set)
{
    struct hash_link *link = hash_table_first(&undos, undo_hash(process, set));
    for (; link; link = hash_link_next(link)) {
        struct sem_undo *undo = CONTAINER_OF(link, struct sem_undo, found);
        if (undo->process == process && undo->set == set)
            return undo;
    }
    return NULL;
}

static MUST_CHECK enum err undo_get(struct sem_set *set, struct sem_undo **out)
{
    struct process *process = process_current();
    struct sem_undo *undo = undo_find(process, set);
    if (!undo) {
        undo = heap_alloc_zero(sizeof(*undo) + set->count * sizeof(undo->adjust[0]));
        if (!undo)
            return E_NOMEM;
        undo->process = process;
        undo->set = set;
        list_add_tail(&set->undos, &undo->in_set);
        list_add_tail(&process->sem_undos, &undo->of_process);
        hash_table_add(&undos, &undo->found, undo_hash(process, set));
    }
    *out = undo;
    return E_OK;
}

static void undo_free(struct sem_undo *undo)
{
    hash_table_remove(&undos, &undo->found);
    list_remove(&undo->in_set);
    list_remove(&undo->of_process);
    heap_free(undo);
}

/* ---- operations ---- */

/* Performs all operations or none. E_AGAIN: *blocking would have to wait; E_RANGE. */
static MUST_CHECK enum err sem_perform(struct sem_set *set, const struct sem_wait *w,
                                       const struct sem_op **blocking)
{
    enum err e = E_OK;
    uint32_t done = 0;
    for (; done < w->count; done++) {
        const struct sem_op *op = &w->ops[done];
        struct sem *sem = &set->sems[op->number];
        int value = sem->value + op->change;
        int16_t *adjust = op->flags & SEM_UNDO ? &w->undo->adjust[op->number] : NULL;
        if (op->change == 0 ? sem->value != 0 : value < 0) {
            *blocking = op;
            e = E_AGAIN;
        } else if (value > VALUE_MAX || (adjust && (*adjust - op->change < -VALUE_MAX - 1 ||
                                                    *adjust - op->change > VALUE_MAX))) {
            e = E_RANGE;
        }
        if (e != E_OK)
            break;
        sem->value = (uint16_t)value;
        if (adjust)
            *adjust = (int16_t)(*adjust - op->change);
    }
    for (uint32_t i = 0; e == E_OK && i < w->count; i++)
        set->sems[w->ops[i].number].pid = w->pid;
    while (e != E_OK && done-- > 0) {
        const struct sem_op *op = &w->ops[done];
        set->sems[op->number].value = (uint16_t)(set->sems[op->number].value - op->change);
        if (op->flags & SEM_UNDO)
            w->undo->adjust[op->number] = (int16_t)(w->undo->adjust[op->number] + op->change);
    }
    return e;
}

static void mark_changed(struct sem_set *set, uint32_t number)
{
    struct sem *sem = &set->sems[number];
    if (sem->next != NOT_CHANGED)
        return;
    sem->next = set->changed != NOT_CHANGED ? set->changed : (uint16_t)number;
    set->changed = (uint16_t)number;
}

static void mark_ops(struct sem_set *set, const struct sem_wait *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->ops[i].change != 0)
            mark_changed(set, w->ops[i].number);
    set->operated = ipc_now();
}

/* Tries a waiter; true if it has gone. */
static bool sem_retry(struct sem_set *set, struct sem_wait *w)
{
    enum err e = sem_perform(set, w, &w->blocking);
    if (e == E_AGAIN && !(w->blocking->flags & IPC_NOWAIT))
        return false;
    if (e == E_OK)
        mark_ops(set, w);
    ipc_wake(&w->waiter, e);
    return true;
}

static bool retry_list(struct sem_set *set, struct list *list, const struct sem *until_zero)
{
    bool any = false;
    for (struct list *at = list->next, *next; at != list; at = next) {
        next = at->next;
        if (until_zero && until_zero->value == 0)
            break;
        any |= sem_retry(set, wait_of(at));
    }
    return any;
}

/* Lets waiters go on after a change of marked semaphores. */
static void sem_update(struct sem_set *set)
{
    do {
        while (set->changed != NOT_CHANGED) {
            uint16_t number = set->changed;
            struct sem *sem = &set->sems[number];
            set->changed = sem->next != number ? sem->next : NOT_CHANGED;
            sem->next = NOT_CHANGED;
            if (sem->value > 0)
                retry_list(set, &sem->more, sem);
            if (sem->value == 0)
                retry_list(set, &sem->zero, NULL);
        }
    } while (retry_list(set, &set->complex, NULL));
}

static MUST_CHECK enum err sem_sleep(struct sem_set *set, struct sem_wait *w, uint64_t deadline)
{
    struct sem *sem = &set->sems[w->ops[0].number];
    struct list *in = w->count > 1            ? &set->complex
                      : w->ops[0].change == 0 ? &sem->zero
                                              : &sem->more;
    enum err e = ipc_sleep(&w->waiter, in, deadline);
    return e == E_TIMEDOUT ? E_AGAIN : e;
}

static enum err sem_operate(struct syscall *call, struct sem_wait *w, uint64_t deadline)
{
    struct ipc_object *object = ipc_find(&sets, (int)call->arg[0]);
    if (!object)
        return E_INVAL;
    struct sem_set *set = set_of(object);
    bool alters = false, undoes = false, fits = true;
    for (uint32_t i = 0; i < w->count; i++) {
        alters |= w->ops[i].change != 0;
        undoes |= w->ops[i].flags & SEM_UNDO && w->ops[i].change != 0;
        fits &= w->ops[i].number < set->count;
    }
    if (!fits)
        return E_FBIG;
    enum err e = ipc_may(object, alters ? IPC_WRITE : IPC_READ);
    if (e == E_OK && undoes)
        e = undo_get(set, &w->undo);
    if (e != E_OK)
        return e;
    w->pid = process_current()->pid;
    e = sem_perform(set, w, &w->blocking);
    if (e == E_OK) {
        mark_ops(set, w);
        sem_update(set);
    }
    if (e != E_AGAIN || w->blocking->flags & IPC_NOWAIT)
        return e;
    return sem_sleep(set, w, deadline);
}

/* An operation of 0 with SEM_UNDO adjusts nothing. */
static void drop_idle_undo(struct sem_op *ops, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (ops[i].change == 0)
            ops[i].flags &= (int16_t)~SEM_UNDO;
}

static enum err sem_timed(struct syscall *call, bool timed, uint64_t timeout)
{
    struct sem_op near[OPS_NEAR], *ops = near;
    uint64_t count = (uint32_t)call->arg[2];
    if (count < 1 || (int)call->arg[0] < 0)
        return E_INVAL;
    if (count > sem_limits[2])
        return E_2BIG;
    if (count > OPS_NEAR)
        ops = heap_alloc(count * sizeof(*ops));
    if (!ops)
        return E_NOMEM;
    struct sem_wait w = {.ops = ops, .count = (uint32_t)count};
    enum err e = copy_in(ops, virt(call->arg[1]), count * sizeof(*ops));
    if (e == E_OK) {
        drop_idle_undo(ops, w.count);
        e = sem_operate(call, &w, timed ? deadline_after(timeout) : NO_DEADLINE);
    }
    if (ops != near)
        heap_free(ops);
    return e;
}

enum err sys_semop(struct syscall *call)
{
    return sem_timed(call, false, 0);
}

enum err sys_semtimedop(struct syscall *call)
{
    uint64_t timeout = 0;
    if (call->arg[3] != 0) {
        enum err e = timespec_copy_in(virt(call->arg[3]), &timeout);
        if (e != E_OK)
            return e;
    }
    return sem_timed(call, call->arg[3] != 0, timeout);
}

void ipc_process_ends(struct process *process)
{
    ipc_set_ending(process->pid);
    while (!list_empty(&process->sem_undos)) {
        struct sem_undo *undo = CONTAINER_OF(process->sem_undos.next, struct sem_undo, of_process);
        struct sem_set *set = undo->set;
        for (uint32_t i = 0; i < set->count; i++) {
            int value = set->sems[i].value + undo->adjust[i];
            if (undo->adjust[i] == 0)
                continue;
            set->sems[i].value = (uint16_t)(value < 0 ? 0 : value > VALUE_MAX ? VALUE_MAX : value);
            set->sems[i].pid = process->pid;
            mark_changed(set, i);
        }
        undo_free(undo);
        set->operated = ipc_now();
        sem_update(set);
    }
}

/* ---- sets ---- */

static enum err set_make(int key, uint64_t count, uint32_t flags, struct ipc_object **out)
{
    if (count == 0)
        return E_INVAL;
    if (sems_total + count > sem_limits[1])
        return E_NOSPC;
    struct sem_set *set = heap_alloc_zero(sizeof(*set) + count * sizeof(set->sems[0]));
    if (!set)
        return E_NOMEM;
    sets.limit = sem_limits[3] < IPC_SLOTS ? (uint32_t)sem_limits[3] : IPC_SLOTS;
    enum err e = ipc_add(&sets, &set->object, key, flags);
    if (e != E_OK) {
        heap_free(set);
        return e;
    }
    set->count = (uint32_t)count;
    set->changed = NOT_CHANGED;
    list_init(&set->complex);
    list_init(&set->undos);
    for (uint32_t i = 0; i < count; i++) {
        set->sems[i].next = NOT_CHANGED;
        list_init(&set->sems[i].more);
        list_init(&set->sems[i].zero);
    }
    sems_total += count;
    *out = &set->object;
    return E_OK;
}

static void set_free(struct sem_set *set)
{
    while (!list_empty(&set->undos))
        undo_free(CONTAINER_OF(set->undos.next, struct sem_undo, in_set));
    ipc_wake_all(&set->complex, E_IDRM);
    for (uint32_t i = 0; i < set->count; i++) {
        ipc_wake_all(&set->sems[i].more, E_IDRM);
        ipc_wake_all(&set->sems[i].zero, E_IDRM);
    }
    sems_total -= set->count;
    ipc_remove(&sets, &set->object);
    heap_free(set);
}

enum err sys_semget(struct syscall *call)
{
    int key = (int)call->arg[0], count = (int)call->arg[1];
    uint32_t flags = (uint32_t)call->arg[2];
    struct ipc_object *object;
    if (count < 0 || (uint64_t)count > sem_limits[0])
        return E_INVAL;
    enum err e = ipc_lookup(&sets, key, flags, &object);
    if (e == E_OK && !object)
        e = set_make(key, (uint64_t)count, flags, &object);
    else if (e == E_OK)
        e = (uint32_t)count > set_of(object)->count ? E_INVAL : ipc_may(object, flags);
    if (e == E_OK)
        call->result = (uint64_t)object->id;
    return e;
}

struct semid_ds {
    struct ipc_perm perm;
    int64_t operated;
    uint64_t unused1;
    int64_t changed;
    uint64_t unused2, count, unused3[2];
};
_Static_assert(sizeof(struct semid_ds) == 104, "asm/sembuf.h");

static enum err sem_stat(struct syscall *call, uint32_t command)
{
    struct ipc_object *object;
    enum err e = ipc_for_stat(&sets, (int)call->arg[0], command != IPC_STAT,
                              command == SEM_STAT_ANY, &object);
    if (e != E_OK)
        return e;
    struct semid_ds ds = {.perm = ipc_perm_of(object),
                          .operated = set_of(object)->operated,
                          .changed = object->changed,
                          .count = set_of(object)->count};
    call->result = command == IPC_STAT ? 0 : (uint64_t)object->id;
    return copy_out(virt(call->arg[3]), &ds, sizeof(ds));
}

static enum err sem_info(struct syscall *call, uint32_t command)
{
    int32_t most = (int32_t)sem_limits[1], in_set = (int32_t)sem_limits[0],
            ops = (int32_t)sem_limits[2], all = (int32_t)sem_limits[3];
    bool used = command == SEM_INFO;
    int32_t info[10] = {most,      all,
                        most,      most,
                        in_set,    ops,
                        ops,       used ? (int32_t)sets.count : 20,
                        VALUE_MAX, used ? (int32_t)sems_total : VALUE_MAX};
    call->result = ipc_last_index(&sets);
    return copy_out(virt(call->arg[3]), info, sizeof(info));
}

/* GETNCNT and GETZCNT. O(waiters of the semaphore and the set). */
static uint64_t count_waiters(const struct sem_set *set, uint32_t number, bool zero)
{
    const struct list *lists[] = {zero ? &set->sems[number].zero : &set->sems[number].more,
                                  &set->complex};
    uint64_t n = 0;
    for (int i = 0; i < 2; i++)
        for (const struct list *at = lists[i]->next; at != lists[i]; at = at->next) {
            const struct sem_op *op =
                CONTAINER_OF(at, const struct sem_wait, waiter.link)->blocking;
            n += op->number == number && (op->change == 0) == zero;
        }
    return n;
}

static enum err sem_get(struct syscall *call, struct sem_set *set, uint32_t command)
{
    int number = (int)call->arg[1];
    enum err e = ipc_may(&set->object, IPC_READ);
    if (e != E_OK)
        return e;
    if (number < 0 || (uint32_t)number >= set->count)
        return E_INVAL;
    const struct sem *sem = &set->sems[number];
    if (command == GETVAL)
        call->result = sem->value;
    else if (command == GETPID)
        call->result = (uint64_t)sem->pid;
    else
        call->result = count_waiters(set, (uint32_t)number, command == GETZCNT);
    return E_OK;
}

static enum err sem_get_all(struct syscall *call, const struct sem_set *set)
{
    enum err e = ipc_may(&set->object, IPC_READ);
    uint16_t *values = e == E_OK ? heap_alloc(set->count * sizeof(*values)) : NULL;
    if (e != E_OK)
        return e;
    if (!values)
        return E_NOMEM;
    for (uint32_t i = 0; i < set->count; i++)
        values[i] = set->sems[i].value;
    e = copy_out(virt(call->arg[3]), values, set->count * sizeof(*values));
    heap_free(values);
    return e;
}

/* Gives a semaphore a value; adjustments of it are forgotten. O(undos of the set). */
static void sem_assign(struct sem_set *set, uint32_t number, uint16_t value)
{
    list_for_each (it, &set->undos)
        CONTAINER_OF(it, struct sem_undo, in_set)->adjust[number] = 0;
    set->sems[number].value = value;
    set->sems[number].pid = process_current()->pid;
    mark_changed(set, number);
}

static enum err sem_set_all(struct syscall *call, struct sem_set *set)
{
    enum err e = ipc_may(&set->object, IPC_WRITE);
    uint16_t *values = e == E_OK ? heap_alloc(set->count * sizeof(*values)) : NULL;
    if (e != E_OK)
        return e;
    if (!values)
        return E_NOMEM;
    e = copy_in(values, virt(call->arg[3]), set->count * sizeof(*values));
    for (uint32_t i = 0; e == E_OK && i < set->count; i++)
        e = values[i] > VALUE_MAX ? E_RANGE : E_OK;
    for (uint32_t i = 0; e == E_OK && i < set->count; i++)
        sem_assign(set, i, values[i]);
    if (e == E_OK) {
        set->object.changed = ipc_now();
        sem_update(set);
    }
    heap_free(values);
    return e;
}

static enum err sem_set_value(struct syscall *call, struct sem_set *set)
{
    int number = (int)call->arg[1], value = (int)call->arg[3];
    if (value < 0 || value > VALUE_MAX)
        return E_RANGE;
    if (!set || number < 0 || (uint32_t)number >= set->count)
        return E_INVAL;
    enum err e = ipc_may(&set->object, IPC_WRITE);
    if (e != E_OK)
        return e;
    sem_assign(set, (uint32_t)number, (uint16_t)value);
    set->object.changed = ipc_now();
    sem_update(set);
    return E_OK;
}

static enum err sem_change(struct syscall *call, uint32_t command)
{
    struct semid_ds ds;
    enum err e = command == IPC_SET ? copy_in(&ds, virt(call->arg[3]), sizeof(ds)) : E_OK;
    struct ipc_object *object = ipc_find(&sets, (int)call->arg[0]);
    if (e == E_OK)
        e = object ? ipc_may_control(object) : E_INVAL;
    if (e == E_OK && command == IPC_SET)
        ipc_set(object, &ds.perm);
    else if (e == E_OK)
        set_free(set_of(object));
    return e;
}

enum err sys_semctl(struct syscall *call)
{
    uint32_t command = (uint32_t)call->arg[2];
    if ((int)call->arg[0] < 0)
        return E_INVAL;
    struct ipc_object *object = ipc_find(&sets, (int)call->arg[0]);
    struct sem_set *set = object ? set_of(object) : NULL;
    switch (command) {
    case IPC_INFO:
    case SEM_INFO:
        return sem_info(call, command);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY:
        return sem_stat(call, command);
    case GETALL:
        return set ? sem_get_all(call, set) : E_INVAL;
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
        return set ? sem_get(call, set, command) : E_INVAL;
    case SETVAL:
        return sem_set_value(call, set);
    case SETALL:
        return set ? sem_set_all(call, set) : E_INVAL;
    case IPC_SET:
    case IPC_RMID:
        return sem_change(call, command);
    default:
        return E_INVAL;
    }
}

static void show_set(struct text *text, const struct ipc_object *o)
{
    const struct sem_set *set = CONTAINER_OF(o, const struct sem_set, object);
    text_printf(text, "%10d %10d  %4o %10u %5u %5u %5u %5u %10ld %10ld\n", o->key, o->id, o->mode,
                set->count, o->uid, o->gid, o->cuid, o->cgid, set->operated, o->changed);
}

struct ipc_table ipc_sem_table = {
    &sets, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime",
    show_set};
