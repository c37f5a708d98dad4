/* SPDX-License-Identifier: MIT */
#include "linux/task/user.h"

#include "mm/heap/hash_table.h"
#include "mm/heap/heap.h"

struct user {
    struct hash_link link; /* the hash is the uid */
    uint32_t threads;
    uint64_t queue_bytes;
};

static struct hash_table users = HASH_TABLE_INIT(users);

static struct user *user_find(uint32_t uid)
{
    struct hash_link *link = hash_table_first(&users, uid);
    return link ? CONTAINER_OF(link, struct user, link) : NULL;
}

static struct user *user_get(uint32_t uid)
{
    struct user *user = user_find(uid);
    if (user == NULL) {
        user = heap_alloc_zero(sizeof *user);
        if (user != NULL)
            hash_table_add(&users, &user->link, uid);
    }
    return user;
}

static void user_put(struct user *user)
{
    if (user->threads > 0 || user->queue_bytes > 0)
        return;
    hash_table_remove(&users, &user->link);
    heap_free(user);
}

enum err user_add_thread(uint32_t uid)
{
    if (uid == 0)
        return E_OK;
    struct user *user = user_get(uid);
    if (user == NULL)
        return E_AGAIN;
    user->threads++;
    return E_OK;
}

void user_remove_thread(uint32_t uid)
{
    if (uid == 0)
        return;
    struct user *user = user_find(uid);
    user->threads--;
    user_put(user);
}

uint32_t user_threads(uint32_t uid)
{
    const struct user *user = user_find(uid);
    return user != NULL ? user->threads : 0;
}

enum err user_add_queue(uint32_t uid, uint64_t bytes, uint64_t most)
{
    struct user *user = user_get(uid);
    if (user == NULL)
        return E_NOMEM;
    enum err e = bytes > most || user->queue_bytes > most - bytes ? E_MFILE : E_OK;
    if (e == E_OK)
        user->queue_bytes += bytes;
    user_put(user);
    return e;
}

void user_remove_queue(uint32_t uid, uint64_t bytes)
{
    struct user *user = user_find(uid);
    user->queue_bytes -= bytes;
    user_put(user);
}
