/* SPDX-License-Identifier: MIT */
/* The text of a fault report, from facts alone. Pure; never faults; needs neither heap nor lock. */
#pragma once

#include "base/addr.h"
#include "mm/areas.h"
#include "mm/paging.h"

#include <stdbool.h>

enum fault_access {
    ACCESS_READ,
    ACCESS_WRITE,
    ACCESS_EXECUTE,
};

struct fault_neighbour { /* an area as the report names it */
    bool there;
    struct virt_range range;
    prot_t prot;
    enum area_kind kind;
    uint32_t flags;
    char name[128]; /* path of the file, or "" */
};

struct fault_facts {
    const char *headline; /* "CRASH (SIGSEGV)" */
    const char *who;      /* thread name */
    uint64_t time_ns;     /* since boot */
    bool page_fault;      /* else: an exception without an address */
    enum fault_access access;
    virt_t address;
    uint64_t error; /* error code */
    uint64_t rip, rsp;
    const char *exception; /* when !page_fault: "general protection" */
    struct pt_walk walk;   /* of address */
    struct fault_neighbour here, below, above;
};

/* Takes one line, without newline. */
typedef void (*fault_line)(void *context, const char *line);

/* Items 1-5 and 14 of a report: headline, what, where, why, walk, hint. */
void fault_report_write(const struct fault_facts *facts, fault_line sink, void *context);
/* The likely cause in plain words ("null pointer", "stack overflow by 16 bytes"), at most size
 * bytes. */
void fault_report_cause(const struct fault_facts *facts, char *to, size_t size);
