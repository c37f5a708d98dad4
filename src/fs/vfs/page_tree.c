/* SPDX-License-Identifier: MIT */
#include "fs/vfs/page_tree.h"

#include "base/panic.h"
#include "mm/heap/heap.h"

#define BITS  6
#define SLOTS (1u << BITS)

struct node {
    void *slots[SLOTS]; /* nodes, or pages at the lowest level */
};

/* The end of the numbers that a tree of that height can store. */
static uint64_t span(unsigned height)
{
    return height * BITS >= 64 ? UINT64_MAX : UINT64_C(1) << (height * BITS);
}

static unsigned slot_of(uint64_t number, unsigned height)
{
    return (unsigned)(number >> ((height - 1) * BITS)) & (SLOTS - 1);
}

void *page_tree_find(const struct page_tree *tree, uint64_t number)
{
    if (number >= span(tree->height))
        return NULL;
    void *at = tree->root;
    for (unsigned height = tree->height; height > 0 && at; height--)
        at = ((struct node *)at)->slots[slot_of(number, height)];
    return at;
}

static MUST_CHECK enum err page_tree_grow(struct page_tree *tree, uint64_t number)
{
    while (number >= span(tree->height)) {
        if (tree->root) {
            struct node *node = heap_alloc_zero(sizeof(*node));
            if (!node)
                return E_NOMEM;
            node->slots[0] = tree->root;
            tree->root = node;
        }
        tree->height++;
    }
    return E_OK;
}

enum err page_tree_insert(struct page_tree *tree, uint64_t number, void *page)
{
    enum err e = page_tree_grow(tree, number);
    if (e != E_OK)
        return e;
    void **at = &tree->root;
    for (unsigned height = tree->height; height > 0; height--) {
        if (!*at)
            *at = heap_alloc_zero(sizeof(struct node));
        if (!*at)
            return E_NOMEM;
        at = &((struct node *)*at)->slots[slot_of(number, height)];
    }
    assert(!*at);
    *at = page;
    tree->count++;
    return E_OK;
}

/* Removes pages [first, end), relative to the subtree's first number. True: the subtree became
 * empty and was freed. */
static bool remove_below(struct page_tree *tree, void *at, unsigned height, uint64_t first,
                         uint64_t end)
{
    if (height == 0) {
        kpage_free(at);
        tree->count--;
        return true;
    }
    struct node *node = at;
    uint64_t step = span(height - 1);
    bool empty = true;
    for (unsigned i = 0; i < SLOTS; i++) {
        uint64_t start = i * step;
        void *child = node->slots[i];
        if (child && first < start + step && end > start) {
            uint64_t from = first > start ? first - start : 0;
            uint64_t to = end - start < step ? end - start : step;
            if (remove_below(tree, child, height - 1, from, to))
                node->slots[i] = NULL;
        }
        empty = empty && !node->slots[i];
    }
    if (empty)
        heap_free(node);
    return empty;
}

void page_tree_remove(struct page_tree *tree, uint64_t first, uint64_t end)
{
    uint64_t limit = span(tree->height);
    if (end > limit)
        end = limit;
    if (!tree->root || first >= end)
        return;
    if (remove_below(tree, tree->root, tree->height, first, end)) {
        tree->root = NULL;
        tree->height = 0;
    }
}

/* *empty: the subtree became empty and was freed. */
static void *take_below(void *at, unsigned height, uint64_t number, bool *empty)
{
    *empty = true;
    if (height == 0)
        return at;
    struct node *node = at;
    unsigned slot = slot_of(number, height);
    void *page =
        node->slots[slot] ? take_below(node->slots[slot], height - 1, number, empty) : NULL;
    if (page && *empty)
        node->slots[slot] = NULL;
    *empty = page != NULL;
    for (unsigned i = 0; i < SLOTS && *empty; i++)
        *empty = !node->slots[i];
    if (*empty)
        heap_free(node);
    return page;
}

void *page_tree_take(struct page_tree *tree, uint64_t number)
{
    bool empty;
    if (!tree->root || number >= span(tree->height))
        return NULL;
    void *page = take_below(tree->root, tree->height, number, &empty);
    if (!page)
        return NULL;
    tree->count--;
    if (empty) {
        tree->root = NULL;
        tree->height = 0;
    }
    return page;
}

static bool next_below(void *at, unsigned height, uint64_t from, uint64_t *out)
{
    if (height == 0) {
        *out = 0;
        return from == 0;
    }
    const struct node *node = at;
    uint64_t step = span(height - 1);
    for (uint64_t i = from / step; i < SLOTS; i++) {
        uint64_t start = i * step;
        if (node->slots[i] &&
            next_below(node->slots[i], height - 1, from > start ? from - start : 0, out)) {
            *out += start;
            return true;
        }
    }
    return false;
}

bool page_tree_next(const struct page_tree *tree, uint64_t from, uint64_t *out)
{
    if (!tree->root || from >= span(tree->height))
        return false;
    return next_below(tree->root, tree->height, from, out);
}
