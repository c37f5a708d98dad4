/* SPDX-License-Identifier: MIT */
/* Internal to the model of areas: areas_model.c (spaces, page tables, checks) and areas_steps.c (the
 * operations). */
#pragma once

#include "areas_model.h"

#include "mm/vm/areas.h"

#define PAGES           1200
#define LARGE_PAGES     512
#define MODEL_FRAMES    4096

#define MUST(condition) ((condition) ? (void)0 : model_fail(__FILE__, __LINE__, #condition))

void model_fail(const char *file, int line, const char *condition);

struct model_page {
    bool there, mapped, copy;
    bool swapped;      /* mapped, and in a slot */
    uint32_t contents; /* of an own page: what it reads */
    enum area_kind kind;
    struct area_owner *owner;
    uint32_t flags;
    prot_t prot;
    struct page_source *source;
    uint64_t offset, file_end; /* of this page */
    phys_t frame;
};

struct model_space {
    struct address_space space;
    struct area_owner owner; /* of some of the areas */
    pte_t leaf[PAGES];
    bool large[PAGES / LARGE_PAGES]; /* these leaves are one leaf of 2 MiB */
    struct model_page page[PAGES];   /* the expected areas and leaves */
};
extern struct model_space model_spaces[MODEL_SPACES];
extern struct model_space *model_now; /* the space that steps change */

extern bool model_no_tables; /* a large leaf cannot be split */
extern long model_maps_left; /* the next one fails; negative: none fails */

struct model_space *model_of(const struct address_space *space);
pte_t make_leaf(phys_t to, prot_t prot);

/* areas_swap.c: */
void swap_model_start(void);
/* The page is stored into, or made. */
void swap_model_stored(struct model_page *m);
/* Evicts some pages. */
void swap_model_evict(void);
/* A fault on a page, which may be swapped. */
void swap_model_return(size_t page, bool write);
/* Drops what is cached or kept. */
void swap_model_drop(void);
void swap_model_find_all(void);
void swap_model_check_page(struct model_space *s, size_t page);

/* The map operation of the simulated page tables. */
enum err model_map(struct address_space *space, virt_t at, phys_t to, uint64_t size, prot_t prot);
