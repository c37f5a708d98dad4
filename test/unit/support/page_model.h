/* SPDX-License-Identifier: MIT */
/*
 * A model of the mappings in a small range, page by page, for each of two address spaces. Random
 * operations are applied to it and to the page tables, and compared through the simulated MMU.
 */
#pragma once

#include "mm/pt/paging.h"

#define MODEL_BASE   UINT64_C(0x00000000ffe00000) /* crosses a 1 GiB and so a level-2 border */
#define MODEL_PAGES  2048                         /* 8 MiB */
#define MODEL_SPACES 2

/* Resets: nothing is mapped in any space. */
void model_clear(void);
/* Selects `space` and model n for the functions below. */
void model_work_on(unsigned n, struct address_space *space);
/* One operation at random: map, unmap, protect, promote or split. */
void model_step(void);
void model_unmap_all(void);
/* True if the simulated MMU agrees with the model. The space must run. */
bool model_agrees(void);
/* The range that the model covers. */
struct virt_range model_range(void);
