/* SPDX-License-Identifier: MIT */
/*
 * Areas against a model that knows each page by itself: random operations, with memory running out
 * now and then, in two address spaces at once. The page tables are a model, too: an array of leaves
 * for the pages of the arena of each space. What is not so aborts the process.
 */
#pragma once

#include "mm/vm/page_source.h"
#include "mm/pt/paging.h"

#define MODEL_ARENA   UINT64_C(0x10000000)
#define MODEL_SOURCES 3
#define MODEL_SPACES  2

struct counted_source {
    struct page_source source;
    long references;
};
extern struct counted_source model_sources[MODEL_SOURCES];

/* A number below n: where the operations and their arguments come from. */
extern size_t (*model_random)(size_t n);
/* How often a step mapped 2 MiB, and how often areas split them. */
extern unsigned model_large_touches, model_large_splits;

/* No areas in any space, all memory free. */
void model_start(void);
/* The space that model_leaf() reads from now on: 0 after model_start(). */
struct address_space *model_switch(size_t number);
/* One operation in one of the spaces, done to areas and model. */
void model_step(void);
/* They agree in every space, and references and frames add up over all. */
void model_check(void);
/* Removes all areas of all spaces, guards too. */
void model_forget_all(void);

virt_t model_address(size_t page);
struct virt_range model_pages(size_t first, size_t end);
pte_t model_leaf(size_t page);
