/* SPDX-License-Identifier: MIT */
#include "base/pqueue.h"

#include "base/compiler.h"

static bool is_before(const struct pqueue_node *a, const struct pqueue_node *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

/* Joins two heaps, given by their roots: the greater root becomes the first child of the other. */
static struct pqueue_node *meld(struct pqueue_node *a, struct pqueue_node *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    struct pqueue_node *top = is_before(a, b) ? a : b, *below = top == a ? b : a;
    below->next = top->child;
    if (below->next != NULL)
        below->next->prev = below;
    below->prev = top;
    top->child = below;
    return top;
}

/* Joins siblings into one heap: in pairs from left to right, then the pairs from right to left. */
static struct pqueue_node *meld_siblings(struct pqueue_node *first)
{
    struct pqueue_node *pairs = NULL, *all = NULL;
    while (first != NULL) {
        struct pqueue_node *a = first, *b = a->next;
        first = b != NULL ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b != NULL)
            b->next = b->prev = NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs != NULL) {
        struct pqueue_node *next = pairs->next;
        pairs->next = NULL;
        all = meld(all, pairs);
        pairs = next;
    }
    return all;
}

void pqueue_insert(struct pqueue *queue, struct pqueue_node *node, uint64_t key)
{
    node->child = node->next = node->prev = NULL;
    node->key = key;
    node->order = queue->inserted++;
    queue->root = queue->root != NULL ? meld(queue->root, node) : node;
}

static NOINLINE void remove_among(struct pqueue *queue, struct pqueue_node *node)
{
    struct pqueue_node *below = meld_siblings(node->child);
    if (node == queue->root) {
        queue->root = below;
    } else {
        if (node->prev->child == node)
            node->prev->child = node->next;
        else
            node->prev->next = node->next;
        if (node->next != NULL)
            node->next->prev = node->prev;
        queue->root = meld(queue->root, below);
    }
    node->child = node->next = node->prev = NULL;
}

void pqueue_remove(struct pqueue *queue, struct pqueue_node *node)
{
    if (node == queue->root && node->child == NULL)
        queue->root = NULL; /* the only one; its links are NULL */
    else
        remove_among(queue, node);
}
