/* SPDX-License-Identifier: MIT */
#include "gap_tree_model.h"

#include "base/gap_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES 300

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static struct gap_tree tree;
static struct gap_node nodes[NODES];
static struct gap_node *order[NODES], *unused[NODES]; /* unused ones from `count` on */
static uint64_t gaps[NODES];                          /* by place in order[] */
static size_t count;

void gap_model_start(void)
{
    memset(&tree, 0, sizeof tree);
    memset(nodes, 0xa5, sizeof nodes); /* nothing may be expected of a node that is inserted */
    count = 0;
    for (size_t i = 0; i < NODES; i++)
        unused[i] = &nodes[i];
}

size_t gap_model_count(void)
{
    return count;
}

static void insert(size_t at, uint64_t gap)
{
    struct gap_node *node = unused[count];
    gap_tree_insert(&tree, node, at < count ? order[at] : NULL, gap);
    memmove(&order[at + 1], &order[at], (count - at) * sizeof order[0]);
    memmove(&gaps[at + 1], &gaps[at], (count - at) * sizeof gaps[0]);
    order[at] = node;
    gaps[at] = gap;
    count++;
}

static void take_out(size_t at)
{
    struct gap_node *node = order[at];
    gap_tree_remove(&tree, node);
    memset(node, 0xa5, sizeof *node);
    count--;
    unused[count] = node;
    memmove(&order[at], &order[at + 1], (count - at) * sizeof order[0]);
    memmove(&gaps[at], &gaps[at + 1], (count - at) * sizeof gaps[0]);
}

static void ask(size_t at, uint64_t least)
{
    struct gap_node *expected = NULL;
    for (size_t i = 0; i < at; i++)
        if (gaps[i] >= least)
            expected = order[i];
    MUST(gap_tree_before(&tree, at < count ? order[at] : NULL, least) == expected);
}

void gap_model_step(gap_model_random random)
{
    size_t what = random(8), at = random(count + 1);
    uint64_t gap = random(4) == 0 ? UINT64_MAX - random(3) : random(40);
    if (what < 3 && count < NODES) {
        insert(at, gap);
    } else if (what < 5 && at < count) {
        take_out(at);
    } else if (what == 5 && at < count) {
        gap_tree_set(order[at], gap);
        gaps[at] = gap;
    } else {
        ask(at, gap);
    }
}

/* The subtree holds order[*next...]; *next is left behind it. Its rank, 0 if it is empty. */
static unsigned check_subtree(const struct gap_node *node, const struct gap_node *parent,
                              size_t *next)
{
    if (node == NULL)
        return 0;
    MUST(node->parent == parent);
    unsigned low = check_subtree(node->child[0], node, next);
    size_t at = (*next)++;
    MUST(at < count && order[at] == node && node->gap == gaps[at]);
    MUST(node->previous == (at > 0 ? order[at - 1] : NULL));
    MUST(node->next == (at + 1 < count ? order[at + 1] : NULL));
    unsigned high = check_subtree(node->child[1], node, next);
    uint64_t largest = node->gap;
    for (int side = 0; side < 2; side++)
        if (node->child[side] != NULL && node->child[side]->largest > largest)
            largest = node->child[side]->largest;
    MUST(node->largest >= largest);
    MUST(node->rank > low && node->rank > high);
    return node->rank;
}

void gap_model_check(void)
{
    size_t seen = 0;
    check_subtree(tree.root, NULL, &seen);
    MUST(seen == count);
    MUST(tree.first == (count > 0 ? order[0] : NULL));
    MUST(tree.last == (count > 0 ? order[count - 1] : NULL));
}
