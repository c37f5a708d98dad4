/* SPDX-License-Identifier: MIT */
/* Linux's PROT_* bits as permissions of pages. */
#pragma once

#include "base/compiler.h"
#include "mm/prot.h"

#include <stdbool.h>
#include <stdint.h>

/* Writable and executable pages, the one exception to W^X: each request is counted, the first is
 * logged. */
prot_t mem_prot_rwx(void);
/* Number of requests so far for pages both writable and executable. */
uint64_t mem_rwx_exceptions(void);

/* PROT_READ 1 | PROT_WRITE 2 | PROT_EXEC 4. */
static inline prot_t mem_prot_from_linux(uint64_t prot)
{
    bool write = prot & 2, execute = prot & 4;
    if (unlikely(write && execute))
        return mem_prot_rwx();
    if (prot & 1)
        return write ? prot_rw() : execute ? prot_rx() : prot_ro();
    return write ? prot_write_only() : execute ? prot_execute_only() : prot_none();
}
