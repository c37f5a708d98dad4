/* SPDX-License-Identifier: MIT */
/*
 * The audit of the page tables: one look at every entry that is not empty, before the program runs.
 * It believes nobody: neither the allocator nor the areas say what a table is; what the level-4
 * table leads to is one.
 *
 * Two kinds of wrong are looked for:
 *
 *   entries  a leaf allows no more than its place in the address space (struct audit_place), is never
 *            writable and executable, is not a user page, is not global; an entry that leads to a
 *            table has P and W and nothing that acts when it is seen as a leaf through a window
 *   frames   what is write-protected at one address must not be writable at another:
 *
 *              text, sealed data  ---- r-x, r-- ---->  +-------+
 *                                                      | frame |   refused when any leaf outside the
 *              anywhere else      ---- rw- --------->  +-------+   back end's window is like this
 *
 * Tables are found breadth first: when the first 4 KiB leaf is judged, all tables are known. Neighbours
 * that differ in the frame number only are judged as one run. What cannot be seen from the tables is
 * not checked here: what is in the TLB, and control registers.
 *
 * Pure: reads tables through a function that is handed in, writes only the memory that is handed in.
 */
#pragma once

#include "mm/pt/paging.h"

enum audit_rule {
    AUDIT_PASSED = 0,
    AUDIT_WRITE_EXECUTE, /* a leaf is writable and executable */
    AUDIT_USER,          /* U is set: program and kernel share ring 0, so no page is a user page */
    AUDIT_GLOBAL,        /* G is set: a flush by CR3 would not drop it */
    AUDIT_UPPER,         /* an entry that leads to a table has W clear, or NX, PCD or PWT set */
    AUDIT_RESERVED,      /* a bit is set that this CPU reserves */
    AUDIT_STRAY,         /* mapped where nothing belongs: null guard, empty slot, freed boot code */
    AUDIT_EXCESS,        /* writable or executable, and its place allows that nowhere */
    AUDIT_STACK_GUARD,   /* the guard below a kernel stack is mapped */
    AUDIT_WINDOW,        /* a self-map that is none of the two windows, or has wrong bits */
    AUDIT_TABLE_TWICE,   /* one table is linked at two places, or lies in protected memory */
    AUDIT_SEALED_ALIAS,  /* kernel text, constants or sealed data, writable at another address */
    AUDIT_TABLE_ALIAS,   /* a page table, writable past the back end */
    AUDIT_CODE_ALIAS,    /* code of the program, writable at another address */
};

/* A part of the address space, and the most that a leaf there may allow. */
struct audit_place {
    struct virt_range range;
    bool write, execute;
    bool both;        /* at once: the program has asked for that (linux/memory/sys_mem.c) */
    bool program;     /* executable leaves here make their frames code */
    bool back_end;    /* reaches tables: page tables and code may be written through it */
    uint64_t guarded; /* not 0: slots, whose first half, of so many bytes, is a guard */
};

struct audit_range {      /* frames that must not be writable elsewhere; kept in order */
    uint64_t start, end;  /* physical */
    enum audit_rule rule; /* what a writable alias breaks */
};

struct audit_item { /* a table, or a run of large leaves, still to be looked at */
    uint64_t at;    /* first address that it maps */
    uint64_t start; /* physical */
    uint64_t entry; /* of the run's first leaf */
    uint32_t count; /* leaves in the run; 0: a table */
    uint32_t level; /* of the table, of the leaves */
};

struct audit_memory {
    struct audit_item *items;
    struct audit_range *ranges;
    size_t capacity; /* of both */
};

struct audit_world {
    /* The 512 entries of the table of `level` on the way to v; it is there. */
    const pte_t *(*table)(void *context, int level, virt_t v);
    void *context;
    phys_t root;
    struct virt_range window;         /* the back end's slot; empty when it maps itself nowhere */
    struct virt_range program_window; /* the program's */
    const struct audit_place *places; /* in order of address, apart from each other */
    size_t place_count;
    const struct phys_range *sealed; /* writable nowhere */
    size_t sealed_count;
    bool nx;
    uint8_t physical_bits;
};

struct audit_finding {
    enum audit_rule rule; /* AUDIT_PASSED: nothing is wrong */
    virt_t at;
    int level; /* of the entry */
    pte_t entry;
};

/* Stops at the first finding. E_NOMEM when the capacity does not suffice: *out is not written. */
MUST_CHECK enum err audit_tables(const struct audit_world *world, const struct audit_memory *memory,
                                 struct audit_finding *out);

/* What is wrong, to go after "ADDRESS ": "is writable and executable". */
const char *audit_sentence(enum audit_rule rule);
