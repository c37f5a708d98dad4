/* SPDX-License-Identifier: MIT */
/*
 * What the page says about an address: the walk of the MMU, where each table on the way is seen by the program and by the
 * kernel under each of its five back ends (docs/paging.md), and the walk that RISC-V's Sv39 would do. Pure.
 */
#pragma once

#include "json.h"

#include <ouro/pagetable.h>

enum back_end {
    BACK_END_RECURSIVE,
    BACK_END_PHYSMAP,
    BACK_END_OFFSET,
    BACK_END_IDENTITY,
    BACK_END_TEMPORARY,
    BACK_ENDS,
};

struct walk_facts {
    uint64_t address; /* canonical */
    struct ouro_path path;
    uint64_t window;            /* P, the program's */
    uint64_t kernel_window;     /* R, the kernel's; 0: there is none */
    uint64_t table[5];          /* physical, by level, 4 to path.last_level */
    uint64_t present[5][8];     /* of these tables: one bit an entry that is present */
    enum back_end active;       /* BACK_ENDS: not known */
    bool reached[BACK_ENDS][5]; /* the back end's address of the table leads to it, now */
};

/* By its name; BACK_ENDS: none. */
enum back_end back_end_of(const char *name, size_t length);
/* The kernel's address of the table of a level for the address, as that back end has it; 0: none that stays. */
uint64_t back_end_table(const struct walk_facts *facts, enum back_end which, int level);

/* An entry of x86-64 as one of Sv39 (RISC-V privileged specification, 4.4): a leaf or a table's, by its level. Level 4
 * has no counterpart. The program runs in ring 0 here, and so in supervisor mode there: U stays clear. */
uint64_t sv39_entry(int level, uint64_t entry);
/* Bits 63 to 39 are copies of bit 38. */
bool sv39_canonical(uint64_t address);
/* Its flags, "D A G U X W R V" with - for a clear one. */
#define SV39_FLAGS_SIZE 9
void sv39_flags(uint64_t entry, char out[SV39_FLAGS_SIZE]);

void walk_write(struct json *json, const struct walk_facts *facts);
