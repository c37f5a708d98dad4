/* SPDX-License-Identifier: MIT */
/*
 * A model of what is mapped in a small range: each page by itself. Random operations are done to it
 * and to the page tables; the simulated MMU says if they agree. For each of two address spaces.
 */
#pragma once

#include "mm/pt/paging.h"

#define MODEL_BASE   UINT64_C(0x00000000ffe00000) /* crosses a 1 GiB and so a level-2 border */
#define MODEL_PAGES  2048                         /* 8 MiB */
#define MODEL_SPACES 2

/* Nothing is mapped in any space. */
void model_clear(void);
/* The functions below are for `space` from now on, whose model has that number. */
void model_work_on(unsigned n, struct address_space *space);
/* One operation at random: map, unmap, protect, promote or split. */
void model_step(void);
void model_unmap_all(void);
/* True if the hardware sees what the model says: the space must run. */
bool model_agrees(void);
/* All that the model knows. */
struct virt_range model_range(void);
