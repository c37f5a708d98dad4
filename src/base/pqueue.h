/* SPDX-License-Identifier: MIT */
/*
 * Priority queue with the links inside the members: a pairing heap (Fredman, Sedgewick, Sleator,
 * Tarjan 1986). Every node's key is at least its parent's, so the least is the root.
 *
 *        root                 child: the first child
 *        /                    next:  the sibling to the right
 *       a --- b --- c         prev:  the sibling to the left; of a first child, the parent
 *      /            |
 *     d --- e       f
 *
 * Insert is one comparison; removal is logarithmic, amortised. Among equal keys the one that was
 * inserted first comes first. No allocation, no recursion.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pqueue_node {
    struct pqueue_node *child, *next, *prev;
    uint64_t key;
    uint64_t order; /* of insertion */
};

struct pqueue {
    struct pqueue_node *root; /* NULL: empty */
    uint64_t inserted;
};

static inline bool pqueue_empty(const struct pqueue *queue)
{
    return queue->root == NULL;
}

/* The least, or NULL. */
static inline struct pqueue_node *pqueue_first(const struct pqueue *queue)
{
    return queue->root;
}

/* The node must be in no queue. */
void pqueue_insert(struct pqueue *queue, struct pqueue_node *node, uint64_t key);
/* The node must be in this queue. */
void pqueue_remove(struct pqueue *queue, struct pqueue_node *node);
