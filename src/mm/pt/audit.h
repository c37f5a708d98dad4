/* SPDX-License-Identifier: MIT */
/*
 * The audit of the page tables: reads every entry that is not empty, before the program runs. Its
 * only input about tables is CR3: the frame allocator's and the areas' records are not trusted.
 *
 * Two kinds of error are found:
 *
 *   entries  a leaf allows no more than its place in the address space (struct audit_place), is never
 *            writable and executable, is not a user page, is not global; an entry that leads to a
 *            table has P and W and no bit that matters when a window shows it as a leaf
 *   frames   a frame that is write-protected at one address must not be writable at another:
 *
 *              text, sealed data  ---- r-x, r-- ---->  +-------+
 *                                                      | frame |   refused when any leaf outside the
 *              anywhere else      ---- rw- --------->  +-------+   back end's window is like this
 *
 * Tables are visited breadth-first, so that all tables are known when the first 4 KiB leaf is
 * checked. Adjacent entries that differ in the frame number only are checked as one run. State
 * outside the tables is not checked: the TLB, control registers.
 *
 * Pure: reads tables through the caller's function, and writes only the caller's memory. O(tables +
 * runs).
 */
#pragma once

#include "mm/pt/paging.h"

enum audit_rule {
    AUDIT_PASSED = 0,
    AUDIT_WRITE_EXECUTE, /* a leaf is writable and executable */
    AUDIT_USER,          /* U is set; program and kernel share ring 0, so no page is a user page */
    AUDIT_GLOBAL,        /* G is set: a flush by CR3 would keep the page */
    AUDIT_UPPER,         /* an entry that leads to a table has W clear, or NX, PCD or PWT set */
    AUDIT_RESERVED,      /* a bit is set that this CPU reserves */
    AUDIT_STRAY,         /* mapped where nothing may be: null guard, empty slot, freed boot code */
    AUDIT_EXCESS,        /* more rights than the place allows: writable or executable */
    AUDIT_STACK_GUARD,   /* the guard below a kernel stack is mapped */
    AUDIT_WINDOW,        /* a self-map that is neither window, or has wrong bits */
    AUDIT_TABLE_TWICE,   /* one table is linked at two places, or lies in protected memory */
    AUDIT_SEALED_ALIAS,  /* kernel text, constants or sealed data, writable at another address */
    AUDIT_TABLE_ALIAS,   /* a page table, writable outside the back end's window */
    AUDIT_CODE_ALIAS,    /* code of the program, writable at another address */
};

/* A part of the address space, and the rights that its leaves may have at most. */
struct audit_place {
    struct virt_range range;
    bool write, execute;
    bool both;        /* also both at once: granted to the program (linux/memory/sys_mem.c) */
    bool program;     /* frames of executable leaves here count as code */
    bool back_end;    /* back end's window: page tables and code may be writable here */
    uint64_t guarded; /* stack slot size (bytes), its first half a guard; 0: none */
};

struct audit_range {      /* frames that must not be writable elsewhere; sorted */
    uint64_t start, end;  /* physical */
    enum audit_rule rule; /* the rule that a writable alias breaks */
};

struct audit_item { /* work item: a table, or a run of large leaves */
    uint64_t at;    /* first address that it maps */
    uint64_t start; /* physical */
    uint64_t entry; /* of the run's first leaf */
    uint32_t count; /* leaves in the run; 0: the item is a table */
    uint32_t level; /* of the table or the leaves */
};

struct audit_memory {
    struct audit_item *items;
    struct audit_range *ranges;
    size_t capacity; /* of both arrays */
};

struct audit_world {
    /* The 512 entries of the table of `level` on the way to v, which exists. */
    const pte_t *(*table)(void *context, int level, virt_t v);
    void *context;
    phys_t root;
    struct virt_range window;         /* the back end's slot; empty: none */
    struct virt_range program_window; /* the program's */
    const struct audit_place *places; /* sorted, disjoint */
    size_t place_count;
    const struct phys_range *sealed; /* may be writable nowhere */
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

/* Stops at the first finding. E_NOMEM if the capacity does not suffice: *out is not written. */
MUST_CHECK enum err audit_tables(const struct audit_world *world, const struct audit_memory *memory,
                                 struct audit_finding *out);

/* The finding in words, to follow "ADDRESS ": "is writable and executable". */
const char *audit_sentence(enum audit_rule rule);
