/* SPDX-License-Identifier: MIT */
/*
 * Areas against a model with an entry for each page: random operations, with memory running out at
 * times, in two address spaces at once. The page tables are simulated, too: an array of leaves for
 * the arena of each space. A difference aborts the process.
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

/* Returns a number below n: the source of the operations and their arguments. */
extern size_t (*model_random)(size_t n);
/* Numbers of steps that mapped 2 MiB, and of splits of large leaves by the areas. */
extern unsigned model_large_touches, model_large_splits;

/* Pages that were swapped out, of them unwritten ones, pages that came back, and pages that the device did not take. */
extern unsigned model_evicted, model_clean, model_returned, model_lost;

/* Resets: no areas in any space, all memory free. */
void model_start(void);
/* Selects the space that model_leaf() reads; space 0 after model_start(). */
struct address_space *model_switch(size_t number);
/* Applies one random operation to the areas and the model of one of the spaces. */
void model_step(void);
/* Checks that areas and model agree in every space, and the sums of references and frames. */
void model_check(void);
/* Removes all areas of all spaces, guards too. */
void model_forget_all(void);

virt_t model_address(size_t page);
struct virt_range model_pages(size_t first, size_t end);
pte_t model_leaf(size_t page);
