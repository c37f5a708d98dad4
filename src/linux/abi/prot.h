/* SPDX-License-Identifier: MIT */
/* Linux's PROT_* bits as permissions of pages. */
#pragma once

#include "mm/prot.h"

#include <stdint.h>

/* PROT_READ 1 | PROT_WRITE 2 | PROT_EXEC 4. Writable and executable at once is granted as the one
 * exception to W^X: counted, and logged the first time. */
prot_t mem_prot_from_linux(uint64_t prot);
/* Mappings that were granted both. */
uint64_t mem_rwx_exceptions(void);
