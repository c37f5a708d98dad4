/* SPDX-License-Identifier: MIT */
/* The audit (mm/pt/audit.h) of this machine's own tables. */
#pragma once

#include "mm/pt/audit.h"

/* Reads the tables through the program's window, which every back end has: so no back end is asked
 * about itself. `archive` is what must stay as the loader left it; `both` says that the program was
 * granted memory that is writable and executable. E_NOMEM: there is no memory to do it in. Callers:
 * threads, once memory_end_boot() has run. */
MUST_CHECK enum err audit_machine(struct phys_range archive, bool both, struct audit_finding *out);
