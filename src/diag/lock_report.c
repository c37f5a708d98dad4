/* SPDX-License-Identifier: MIT */
/* The report of a failed lock check, which only debug builds have (OURO_DEBUG_LOCKS). */
#include "base/panic.h"
#include "cpu/lock_check.h"
#include "cpu/lock_order.h"
#include "diag/report.h"
#include "kern/log.h"

/* Prints the other trace first; the report of the panic contains the trace of this thread. */
NORETURN void lock_check_failed(const char *sentence, const struct lock_trace *other)
{
    char place[FAULT_PLACE_SIZE];
    for (unsigned i = 0; other != NULL && i < other->depth; i++) {
        if (!report_place(other->rip[i] - 1, place, sizeof place))
            place[0] = '\0';
        report("  %s #%u 0x%016llx %s", i == 0 ? "before " : "       ", i,
               (unsigned long long)other->rip[i], place);
    }
    panic("%s", sentence);
}
