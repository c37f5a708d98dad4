/* SPDX-License-Identifier: MIT */
/*
 * Page faults (#PF, vector 14; SDM 3A 4.7, 6.15). A fault is normal: areas promise memory
 * (mm/vm/areas.h), and the first access to each page maps it. mm/vm/fault.c has the theory and the
 * case analysis.
 *
 * The handler calls fault_resolve() for the program, and for usercopy on its behalf. If that fails,
 * usercopy ends with E_FAULT, and the program gets a signal: fault_of_program(). Any other fault is
 * the kernel's own: fault_of_kernel() panics.
 *
 * Callers. The trap entry calls the handler. System calls that populate memory, such as mlock(),
 * call fault_resolve() directly. No interrupt handler may fault on program memory.
 *
 * Cost. A search in the areas, O(log areas), at most one walk, one frame and one pass over it
 * (cleared or copied); up to 16 mappings of a file that is in memory. Reclaim is attempted only if
 * no frame is free.
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
    PF_RESOLVABLE = PF_PRESENT | PF_WRITE | PF_EXECUTE, /* the others: protection keys, ring 3 */
};

enum fault_verdict {
    FAULT_RESOLVED = 0,  /* retry the access */
    FAULT_NOT_MAPPED,    /* SIGSEGV, SEGV_MAPERR */
    FAULT_DENIED,        /* SIGSEGV, SEGV_ACCERR */
    FAULT_PAST_FILE,     /* SIGBUS, BUS_ADRERR: the file ends before the page */
    FAULT_OUT_OF_MEMORY, /* no frame is free, and none can be reclaimed */
    FAULT_WAITS, /* a device has the page: fault_fetch(), and again. Not of fault_resolve() */
};

/* What the error of a page source means. Pure. */
static inline enum fault_verdict fault_verdict_of(enum err e)
{
    return e == E_OK      ? FAULT_RESOLVED
           : e == E_NOMEM ? FAULT_OUT_OF_MEMORY
           : e == E_AGAIN ? FAULT_WAITS
                          : FAULT_PAST_FILE;
}

/* Of several CPUs: true if threads that share kernel_lock may change pages, under the lock of the space. */
bool fault_may_share(void);

/* Maps the page at v if its area allows the access (PF_WRITE, PF_EXECUTE, PF_PRESENT). The space is
 * the running one: pages are filled at their own addresses. Sleeps if a device has the page: areas
 * and pages may be others afterwards. Threads only. O(log areas); growth under RLIMIT_AS: O(areas). */
enum fault_verdict fault_resolve(struct address_space *space, virt_t v, uint64_t error);
/* Brings the page of a file at v into memory, but does not map it. Sleeps; the space, which need not
 * run, may end meanwhile. FAULT_RESOLVED: the access is worth another try. */
enum fault_verdict fault_fetch(struct address_space *space, virt_t v, uint64_t error);

/* Installs the handler. Boot. */
void fault_init(void);

/* Defined above: */

/* An unresolved fault of the program: delivers a signal or ends the program
 * (linux/fault/exceptions.c). */
void fault_of_program(struct trap_frame *frame, virt_t v, enum fault_verdict verdict);
/* A copy from or to the program found no memory, and ends with E_FAULT: the program, which Linux would kill, does not see it
 * (linux/fault/exceptions.c). */
void fault_of_copy(const struct trap_frame *frame, virt_t v);
/* An unresolved fault of the kernel: panics (diag/panic.c). */
NORETURN void fault_of_kernel(const struct trap_frame *frame, virt_t v);

/* A fault of the running thread was resolved; `waited`: after a device had brought the page, a major one. Defined above
 * (linux/task/usage.c). O(1). */
void fault_was_resolved(bool waited);

struct fault_counters {
    uint64_t zero, anonymous, copied, file; /* resolved faults by kind */
    uint64_t large;                         /* those of `anonymous` that mapped 2 MiB */
    uint64_t taken_over; /* writes to pages that fork() had shared, by the last user */
};
extern struct fault_counters fault_counters;
