/* SPDX-License-Identifier: MIT */
/* Circular doubly linked list; the links are embedded in the members. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev; /* both point to the list itself if it is empty */
};

#define LIST_INIT(name)                                                                            \
    {                                                                                              \
        &(name), &(name)                                                                           \
    }

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_add_tail(struct list *l, struct list *item)
{
    struct list *last =
        l->prev; /* read once: the compiler cannot know that a store leaves it as it is */
    item->prev = last;
    item->next = l;
    last->next = item;
    l->prev = item;
}

static inline void list_add_head(struct list *l, struct list *item)
{
    list_add_tail(l->next, item);
}

/* Unlinks `item` and makes it an empty list: removing it again is harmless. */
static inline void list_remove(struct list *item)
{
    struct list *before = item->prev, *after = item->next;
    before->next = after;
    after->prev = before;
    list_init(item);
}

/* Moves all members of `from` to the front of `to`, in their order. O(1). */
static inline void list_splice_head(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->prev->next = to->next;
    to->next->prev = from->prev;
    to->next = from->next;
    from->next->prev = to;
    list_init(from);
}

/* The body must not remove any member but *it, and must leave the loop when it removes *it. */
#define list_for_each(it, l) for (struct list *it = (l)->next; it != (l); it = it->next)
