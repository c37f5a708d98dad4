/* SPDX-License-Identifier: MIT */
/*
 * Priority queue: a pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986); the links are embedded
 * in the members. The key of a node is at least that of its parent, so the root is the least.
 *
 *        root                 child: the first child
 *        /                    next:  the sibling to the right
 *       a --- b --- c         prev:  the sibling to the left; of a first child, the parent
 *      /            |
 *     d --- e       f
 *
 * Insertion is O(1); removal is O(log n) amortised. Equal keys keep the order of insertion. No
 * allocation, no recursion.
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

/* The node with the least key; NULL if the queue is empty. */
static inline struct pqueue_node *pqueue_first(const struct pqueue *queue)
{
    return queue->root;
}

/* The node must be in no queue. */
void pqueue_insert(struct pqueue *queue, struct pqueue_node *node, uint64_t key);
/* The node must be in this queue. */
void pqueue_remove(struct pqueue *queue, struct pqueue_node *node);
