/* SPDX-License-Identifier: MIT */
/*
 * The objects of System V IPC, by id and by key: shared memory, semaphore sets, message queues (svipc(7)).
 *
 *     id = sequence number << 15 | index of the slot        key --> object, unless the key is IPC_PRIVATE
 *
 * Ids are given out in Linux's order; who restores a process chooses the next one (/proc/sys/kernel/msg_next_id and
 * kin): if its slot is taken, the object gets a free one behind it. A find is O(1), a new object O(slots / 64) at most. Guarded by kernel_lock. What
 * sleeps on an object looks it up again afterwards, by its id.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"
#include "fs/vfs/text.h"
#include "kern/wait.h"
#include "mm/heap/hash_table.h"

#include <stdbool.h>
#include <stdint.h>

enum ipc_flags {
    IPC_CREAT = 01000,
    IPC_EXCL = 02000,
    IPC_NOWAIT = 04000,
};

enum ipc_command { /* of semctl(2), shmctl(2) and msgctl(2) */
    IPC_RMID = 0,
    IPC_SET = 1,
    IPC_STAT = 2,
    IPC_INFO = 3,
};

#define IPC_PRIVATE 0
#define IPC_SLOTS   32768u
#define IPC_READ    0444u
#define IPC_WRITE   0222u

struct ipc_object {
    struct hash_link by_key;
    int key, id;
    uint32_t uid, gid, cuid, cgid, mode;
    int64_t changed; /* seconds */
};

struct ipc_ids {
    struct ipc_object **slots;           /* heap */
    uint64_t *used;                      /* heap; bit n: slot n */
    uint32_t capacity, count, last, end; /* end: above the last slot in use */
    uint32_t sequence, limit;
    uint64_t *next; /* the id of the next new object, or UINT64_MAX: as above */
    struct hash_table keys;
};

#define IPC_IDS_INIT(ids, most, next_id)                                                           \
    {                                                                                              \
        .last = UINT32_MAX, .limit = most, .next = &next_id, .keys = HASH_TABLE_INIT((ids).keys)   \
    }

/* struct ipc64_perm, the beginning of each struct that IPC_STAT returns and IPC_SET takes. */
struct ipc_perm {
    int32_t key;
    uint32_t uid, gid, cuid, cgid, mode;
    uint16_t sequence, padding[3];
    uint64_t unused[2];
};

/* shmget(2), semget(2), msgget(2): *out is the object with the key, NULL: make one. E_NOENT, E_EXIST. The rights
 * are not checked. */
MUST_CHECK enum err ipc_lookup(const struct ipc_ids *ids, int key, uint32_t flags,
                               struct ipc_object **out);
/* Gives a new object its id, owner and mode. E_NOSPC: the limit; E_NOMEM. */
MUST_CHECK enum err ipc_add(struct ipc_ids *ids, struct ipc_object *object, int key,
                            uint32_t flags);
/* The id is free afterwards; ipc_hide() takes only the key. */
void ipc_remove(struct ipc_ids *ids, struct ipc_object *object);
void ipc_hide(struct ipc_ids *ids, struct ipc_object *object);
/* NULL: none. */
struct ipc_object *ipc_find(const struct ipc_ids *ids, int id);
/* The object in the slot, for the commands SHM_STAT and so on; NULL: none. */
struct ipc_object *ipc_at(const struct ipc_ids *ids, int index);
/* What IPC_INFO returns: the last index in use, or 0. */
uint64_t ipc_last_index(const struct ipc_ids *ids);

/* E_ACCES unless the calling thread has all of the rights (bits of IPC_READ and IPC_WRITE, or a mode of get()). */
MUST_CHECK enum err ipc_may(const struct ipc_object *object, uint32_t rights);
/* E_PERM unless it may change or remove the object. */
MUST_CHECK enum err ipc_may_control(const struct ipc_object *object);
struct ipc_perm ipc_perm_of(const struct ipc_object *object);
/* IPC_SET, after its checks. */
void ipc_set(struct ipc_object *object, const struct ipc_perm *perm);
/* IPC_STAT (by id), and by index; `any`: without rights. */
MUST_CHECK enum err ipc_for_stat(const struct ipc_ids *ids, int number, bool by_index, bool any,
                                 struct ipc_object **out);

int64_t ipc_now(void); /* seconds */
/* The calling process, also while it ends. */
int ipc_caller_pid(void);
void ipc_set_ending(int pid);

/* A sleeping thread, on its stack. */
struct ipc_waiter {
    struct list link;
    struct wait_queue queue;
    bool done;
    enum err result;
};

/* Sleeps in the list until ipc_wake() (its result), or E_INTR, E_TIMEDOUT. */
MUST_CHECK enum err ipc_sleep(struct ipc_waiter *waiter, struct list *in, uint64_t deadline);
void ipc_wake(struct ipc_waiter *waiter, enum err result);
/* Wakes all of the list. */
void ipc_wake_all(struct list *list, enum err result);

/* /proc/sysvipc: the context of a generator is one of these. */
struct ipc_table {
    const struct ipc_ids *ids;
    const char *heading;
    void (*row)(struct text *text, const struct ipc_object *object);
};
void ipc_show_table(struct text *text, void *table);
