/* SPDX-License-Identifier: MIT */
#include "base/gap_tree.h"

#include "base/compiler.h"

#include <stdbool.h>

/* 0 for a missing node. */
static unsigned gap_rank(const struct gap_node *node)
{
    return node != NULL ? node->rank : 0;
}

static uint64_t gap_largest(const struct gap_node *node)
{
    const struct gap_node *low = node->child[0], *high = node->child[1];
    uint64_t largest = node->gap;
    if (low != NULL && low->largest > largest)
        largest = low->largest;
    if (high != NULL && high->largest > largest)
        largest = high->largest;
    return largest;
}

/* Puts `to`, which may be NULL, below the parent of `node` in its place. */
static void gap_replace(struct gap_tree *tree, const struct gap_node *node, struct gap_node *to)
{
    struct gap_node *parent = node->parent;
    if (parent == NULL)
        tree->root = to;
    else
        parent->child[parent->child[1] == node] = to;
    if (to != NULL)
        to->parent = parent;
}

static void gap_set_child(struct gap_node *node, int side, struct gap_node *child)
{
    node->child[side] = child;
    if (child != NULL)
        child->parent = node;
}

/* The child on that side takes the place of the node, which becomes its child. */
static void gap_rotate(struct gap_tree *tree, struct gap_node *node, int side)
{
    struct gap_node *up = node->child[side];
    gap_replace(tree, node, up);
    gap_set_child(node, side, up->child[!side]);
    gap_set_child(up, !side, node);
    up->largest = node->largest;
    node->largest = gap_largest(node);
}

/* Restores invariant 2 between the node, which was inserted, and its parent: promotes the parent,
 * and so on upwards, until a rank differs or a rotation saves the promotion. */
static NOINLINE void gap_promote(struct gap_tree *tree, struct gap_node *node)
{
    struct gap_node *parent;
    for (; (parent = node->parent) != NULL && parent->rank == node->rank; node = parent) {
        int side = parent->child[1] == node;
        if (parent->rank - gap_rank(parent->child[!side]) == 1) {
            parent->rank++;
            continue;
        }
        struct gap_node *inner = node->child[!side];
        if (node->rank - gap_rank(inner) == 1) {
            inner->rank++;
            node->rank--;
            gap_rotate(tree, node, !side);
        }
        parent->rank--;
        gap_rotate(tree, parent, side);
        return;
    }
}

void gap_tree_insert(struct gap_tree *tree, struct gap_node *node, struct gap_node *next,
                     uint64_t gap)
{
    struct gap_node *previous = next != NULL ? next->previous : tree->last;
    *(next != NULL ? &next->previous : &tree->last) = node;
    *(previous != NULL ? &previous->next : &tree->first) = node;
    node->next = next;
    node->previous = previous;
    node->child[0] = node->child[1] = NULL;
    node->gap = node->largest = gap;
    node->rank = 1;
    /* One of the two has no child on the side of the node: they are neighbours. */
    bool low = next != NULL && next->child[0] == NULL;
    struct gap_node *parent = low ? next : previous;
    node->parent = parent;
    *(parent != NULL ? &parent->child[!low] : &tree->root) = node;
    for (struct gap_node *at = parent; at != NULL && at->largest < gap; at = at->parent)
        at->largest = gap;
    if (parent != NULL && parent->rank == 1)
        gap_promote(tree, node);
}

void gap_tree_remove(struct gap_tree *tree, struct gap_node *node)
{
    struct gap_node *next = node->next, *previous = node->previous;
    *(next != NULL ? &next->previous : &tree->last) = previous;
    *(previous != NULL ? &previous->next : &tree->first) = next;
    if (node->child[0] == NULL || node->child[1] == NULL) {
        gap_replace(tree, node, node->child[node->child[0] == NULL]);
    } else {
        /* The next node, the leftmost on the right, has no left child: it takes the place. */
        if (next->parent != node) {
            gap_replace(tree, next, next->child[1]);
            gap_set_child(next, 1, node->child[1]);
        }
        gap_set_child(next, 0, node->child[0]);
        gap_replace(tree, node, next);
        next->rank = node->rank;
        next->largest = node->largest;
    }
}

static bool gap_may_have(const struct gap_node *subtree, uint64_t least)
{
    return subtree != NULL && subtree->largest >= least;
}

/* The last node of the subtree whose gap is at least `least`, or NULL. Where `largest` proves too
 * large it is corrected, and the search goes on from the parent. */
static struct gap_node *gap_last_in(struct gap_node *top, uint64_t least)
{
    if (!gap_may_have(top, least))
        return NULL;
    for (struct gap_node *node = top;;) {
        if (gap_may_have(node->child[1], least)) {
            node = node->child[1];
        } else if (node->gap >= least) {
            return node;
        } else if (gap_may_have(node->child[0], least)) {
            node = node->child[0];
        } else {
            node->largest = gap_largest(node);
            if (node == top)
                return NULL;
            node = node->parent;
        }
    }
}

struct gap_node *gap_tree_before(const struct gap_tree *tree, struct gap_node *node, uint64_t least)
{
    struct gap_node *found = gap_last_in(node != NULL ? node->child[0] : tree->root, least);
    while (node != NULL && found == NULL) {
        struct gap_node *parent = node->parent;
        if (parent != NULL && parent->child[1] == node)
            found = parent->gap >= least ? parent : gap_last_in(parent->child[0], least);
        node = parent;
    }
    return found;
}
