/* SPDX-License-Identifier: MIT */
/* Visits of whole tables, for mm/pt/ only (mm/pt/tables.c). */
#pragma once

#include "mm/pt/access.h"

/* Entries [first, end) of a table of `level`: leaves and holes, none that leads to a table. */
struct pt_run {
    pt_table_t table;
    int level;
    unsigned first, end;
    virt_t at; /* the first address of entry `first` */
};

typedef void (*pt_run_function)(void *context, const struct pt_run *run);

/* Calls `function` for every entry of the range where the walk ends, table by table. */
void pt_each_run(const struct address_space *space, struct virt_range range,
                 pt_run_function function, void *context);

static inline virt_t pt_run_address(const struct pt_run *run, unsigned index)
{
    return virt(run->at.v + (index - run->first) * pt_span(run->level));
}
