/* SPDX-License-Identifier: MIT */
/*
 * A sparse array of pages by number: a radix tree with 6 bits of the number a level, of the height
 * that its largest number needs. The tree owns the pages, which come from kpage_alloc()
 * (mm/heap/heap.h).
 *
 *   root (height 2)      [0] [1] ... [63]         numbers 0-4095
 *                         |
 *   node                 [0] [1] ... [63]         numbers 0-63: pointers to pages
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct page_tree {
    void *root;      /* a page at height 0, else a node; NULL: nothing is stored */
    unsigned height; /* levels of nodes above the pages */
    uint64_t count;  /* pages stored */
};

/* The page with that number, or NULL. */
void *page_tree_find(const struct page_tree *tree, uint64_t number);
/* Stores a page under a number that has none; the tree owns the page from then on. E_NOMEM. */
MUST_CHECK enum err page_tree_insert(struct page_tree *tree, uint64_t number, void *page);
/* Takes the page with that number out of the tree, for trees of other things than pages; NULL: none. */
void *page_tree_take(struct page_tree *tree, uint64_t number);
/* Frees the pages with numbers [first, end). */
void page_tree_remove(struct page_tree *tree, uint64_t first, uint64_t end);
/* The smallest number >= from that has a page. False: none. */
bool page_tree_next(const struct page_tree *tree, uint64_t from, uint64_t *out);
