/* SPDX-License-Identifier: MIT */
/*
 * #PF: resolve it from the areas, recover a copy, hand it to the program as a signal, or report it.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "cpu/trap_frame.h"
#include "mm/space.h"

#include <stdbool.h>

/* Error code of #PF (SDM 3A 4.7). */
enum {
    PF_PRESENT = 1,
    PF_WRITE = 2,
    PF_USER = 4,
    PF_RESERVED = 8,
    PF_EXECUTE = 16,
};

enum fault_verdict {
    FAULT_RESOLVED = 0,  /* go on */
    FAULT_NOT_MAPPED,    /* SIGSEGV, SEGV_MAPERR */
    FAULT_DENIED,        /* SIGSEGV, SEGV_ACCERR */
    FAULT_PAST_FILE,     /* SIGBUS, BUS_ADRERR: the file ends before the page */
    FAULT_OUT_OF_MEMORY, /* no frame is left */
};

/* Makes the page at v appear if its area allows the access (PF_WRITE, PF_EXECUTE, PF_PRESENT). The
 * space is the running one: pages are filled at their own addresses. Threads only. O(log areas);
 * growth under RLIMIT_AS: O(areas). */
enum fault_verdict fault_resolve(struct address_space *space, virt_t v, uint64_t error);

/* Installs the handler. Boot only. */
void fault_init(void);

/* Defined above: */

/* A fault of the program was not resolved: delivers a signal or ends the program
 * (linux/fault/exceptions.c). */
void fault_of_program(struct trap_frame *frame, virt_t v, enum fault_verdict verdict);
/* A fault of the kernel: a panic (diag/panic.c). */
NORETURN void fault_of_kernel(const struct trap_frame *frame, virt_t v);

struct fault_counters {
    uint64_t zero, anonymous, copied, file; /* faults resolved, by how */
    uint64_t large;                         /* those of `anonymous` that took 2 MiB */
};
extern struct fault_counters fault_counters;
