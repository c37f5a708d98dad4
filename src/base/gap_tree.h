/* SPDX-License-Identifier: MIT */
/*
 * Gap tree: an ordered sequence of members, each with a number, the gap below it. A balanced binary
 * tree; the links are embedded in the members. Each node has links to its neighbours and a bound for
 * the gaps of its subtree, so that the next large enough gap is found without a look at the others:
 *
 *                      [ gap 3, largest 9 ]
 *                      /                  \
 *     [ gap 9, largest 9 ]          [ gap 0, largest 4 ]
 *                                                      \
 *                                          [ gap 4, largest 4 ]
 *
 * Invariants:
 *   1. `next` and `previous` are the order of the tree from left to right.
 *   2. A node's rank is above those of its children (1: lowest). Insertions alone keep it one or
 *      two above, as in an AVL tree. A removal changes no rank, so that an insertion after it finds
 *      room below its parent's: the height is at most 1.44 log2(m) after m insertions, however many
 *      were removed (Sen and Tarjan, Deletion Without Rebalancing in Binary Search Trees, 2010).
 *   3. No gap in the subtree is above `largest`.
 *
 * A gap that shrinks or is removed leaves `largest` too large, on one path to the root at most.
 * gap_tree_before() corrects such a bound when it meets one: O(log m) amortised.
 *
 * A search by key is the caller's: a walk from the root through child[0] (before) and child[1]
 * (behind). No allocation, no recursion.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct gap_node {
    struct gap_node *parent, *child[2];
    struct gap_node *next, *previous;
    uint64_t gap;     /* changed by gap_tree_set() only */
    uint64_t largest; /* at least the largest gap of the subtree */
    unsigned rank;    /* of invariant 2 */
};

struct gap_tree { /* zeros: empty */
    struct gap_node *root, *first, *last;
};

/* Inserts the node before `next`; at the end if `next` is NULL. O(1) amortised; O(log m)
 * if the gap is larger than those above it. */
void gap_tree_insert(struct gap_tree *tree, struct gap_node *node, struct gap_node *next,
                     uint64_t gap);
/* Removes the node, which must be in this tree. O(1). */
void gap_tree_remove(struct gap_tree *tree, struct gap_node *node);
/* Changes the gap of a node. O(log m); O(1) if it shrinks. */
static inline void gap_tree_set(struct gap_node *node, uint64_t gap)
{
    node->gap = gap;
    for (; node != NULL && node->largest < gap; node = node->parent)
        node->largest = gap;
}
/* The last node before `node` (NULL: of all) whose gap is at least `least`; NULL if there is none.
 * O(log m) amortised. */
struct gap_node *gap_tree_before(const struct gap_tree *tree, struct gap_node *node,
                                 uint64_t least);
