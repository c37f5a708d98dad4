/* SPDX-License-Identifier: MIT */
#include "base/gap_tree.h"

#include <stdbool.h>

static int gap_height(const struct gap_node *node)
{
    return node != NULL ? node->height : 0;
}

static uint64_t gap_largest(const struct gap_node *node)
{
    uint64_t largest = node->gap;
    for (int side = 0; side < 2; side++)
        if (node->child[side] != NULL && node->child[side]->largest > largest)
            largest = node->child[side]->largest;
    return largest;
}

/* Computes what the node knows of its subtree. True if it has changed. */
static bool gap_refresh(struct gap_node *node)
{
    int low = gap_height(node->child[0]), high = gap_height(node->child[1]);
    int height = 1 + (low > high ? low : high);
    uint64_t largest = gap_largest(node);
    bool changed = height != node->height || largest != node->largest;
    node->height = height;
    node->largest = largest;
    return changed;
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

/* The child on that side takes the place of the node, which becomes its child. Returns it. */
static struct gap_node *gap_rotate(struct gap_tree *tree, struct gap_node *node, int side)
{
    struct gap_node *up = node->child[side];
    gap_replace(tree, node, up);
    gap_set_child(node, side, up->child[!side]);
    gap_set_child(up, !side, node);
    gap_refresh(node);
    gap_refresh(up);
    return up;
}

/* Restores invariants 2 and 3 from the node upwards, to where nothing changes any more. */
static void gap_settle(struct gap_tree *tree, struct gap_node *node)
{
    for (; node != NULL; node = node->parent) {
        bool changed = gap_refresh(node);
        int lean = gap_height(node->child[1]) - gap_height(node->child[0]);
        if (lean >= -1 && lean <= 1) {
            if (!changed)
                return;
            continue;
        }
        int side = lean > 0;
        struct gap_node *child = node->child[side];
        if (gap_height(child->child[!side]) > gap_height(child->child[side]))
            gap_rotate(tree, child, !side);
        node = gap_rotate(tree, node, side);
    }
}

void gap_tree_insert(struct gap_tree *tree, struct gap_node *node, struct gap_node *next,
                     uint64_t gap)
{
    struct gap_node *previous = next != NULL ? next->previous : tree->last;
    *node = (struct gap_node){
        .next = next, .previous = previous, .gap = gap, .largest = gap, .height = 1};
    *(next != NULL ? &next->previous : &tree->last) = node;
    *(previous != NULL ? &previous->next : &tree->first) = node;
    /* One of the two has no child on the side of the node: they are neighbours. */
    if (next != NULL && next->child[0] == NULL)
        gap_set_child(next, 0, node);
    else if (previous != NULL)
        gap_set_child(previous, 1, node);
    else
        tree->root = node;
    gap_settle(tree, node->parent);
}

void gap_tree_remove(struct gap_tree *tree, struct gap_node *node)
{
    struct gap_node *heir = node->child[node->child[0] == NULL], *changed = node->parent;
    bool inner = node->child[0] != NULL && node->child[1] != NULL;
    if (inner) {
        heir = node->next; /* the leftmost on the right: it has no left child */
        changed = heir->parent != node ? heir->parent : heir;
        if (changed != heir) {
            gap_replace(tree, heir, heir->child[1]);
            gap_set_child(heir, 1, node->child[1]);
        }
        gap_set_child(heir, 0, node->child[0]);
        heir->height = node->height;
        heir->largest = node->largest;
    }
    gap_replace(tree, node, heir);
    *(node->next != NULL ? &node->next->previous : &tree->last) = node->previous;
    *(node->previous != NULL ? &node->previous->next : &tree->first) = node->next;
    gap_settle(tree, changed);
    if (inner && changed != heir)
        gap_settle(tree, heir); /* its own gap came up with it */
}

void gap_tree_set(struct gap_node *node, uint64_t gap)
{
    node->gap = gap;
    for (; node != NULL; node = node->parent) {
        uint64_t largest = gap_largest(node);
        if (largest == node->largest)
            return;
        node->largest = largest;
    }
}

static bool gap_has(const struct gap_node *subtree, uint64_t least)
{
    return subtree != NULL && subtree->largest >= least;
}

struct gap_node *gap_tree_before(const struct gap_tree *tree, struct gap_node *node, uint64_t least)
{
    struct gap_node *found = node != NULL ? node->child[0] : tree->root;
    while (node != NULL && !gap_has(found, least)) {
        struct gap_node *parent = node->parent;
        bool behind = parent != NULL && parent->child[1] == node;
        if (behind && parent->gap >= least)
            return parent;
        found = behind ? parent->child[0] : NULL;
        node = parent;
    }
    if (!gap_has(found, least))
        return NULL;
    for (;;) {
        if (gap_has(found->child[1], least))
            found = found->child[1];
        else if (found->gap >= least)
            return found;
        else
            found = found->child[0];
    }
}
