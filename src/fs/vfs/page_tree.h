/* SPDX-License-Identifier: MIT */
/*
 * A sparse array of pages by number: a radix tree, 6 bits of the number a level, only as high as
 * its largest number needs. The pages are the tree's own (mm/heap/heap.h's kpage_alloc).
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

/* NULL: none there. */
void *page_tree_find(const struct page_tree *tree, uint64_t number);
/* Stores the page where none is; it belongs to the tree from then on. E_NOMEM. */
MUST_CHECK enum err page_tree_insert(struct page_tree *tree, uint64_t number, void *page);
/* Frees the pages [first, end). */
void page_tree_remove(struct page_tree *tree, uint64_t first, uint64_t end);
/* The smallest number >= from that has a page. False: none. */
bool page_tree_next(const struct page_tree *tree, uint64_t from, uint64_t *out);
