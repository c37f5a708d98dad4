/* SPDX-License-Identifier: MIT */
#include "linux/task/user.h"

#include "mm/heap/hash_table.h"
#include "mm/heap/heap.h"

struct user {
    struct hash_link link; /* the hash is the uid */
    uint32_t threads;
};

static struct hash_table users = HASH_TABLE_INIT(users);

static struct user *user_find(uint32_t uid)
{
    struct hash_link *link = hash_table_first(&users, uid);
    return link ? CONTAINER_OF(link, struct user, link) : NULL;
}

enum err user_add_thread(uint32_t uid)
{
    if (uid == 0)
        return E_OK;
    struct user *user = user_find(uid);
    if (user == NULL) {
        user = heap_alloc_zero(sizeof *user);
        if (user == NULL)
            return E_AGAIN;
        hash_table_add(&users, &user->link, uid);
    }
    user->threads++;
    return E_OK;
}

void user_remove_thread(uint32_t uid)
{
    if (uid == 0)
        return;
    struct user *user = user_find(uid);
    if (--user->threads > 0)
        return;
    hash_table_remove(&users, &user->link);
    heap_free(user);
}

uint32_t user_threads(uint32_t uid)
{
    const struct user *user = user_find(uid);
    return user != NULL ? user->threads : 0;
}
