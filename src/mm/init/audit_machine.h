/* SPDX-License-Identifier: MIT */
/* Runs the audit (mm/pt/audit.h) on the machine's own tables. */
#pragma once

#include "mm/pt/audit.h"

/* Audits all tables, read through the program's window, which exists with every back end: so the
 * audit does not depend on the back end's own view. `archive` must be read-only everywhere; `both`:
 * the program was granted memory that is writable and executable. E_NOMEM: no memory for the audit.
 * Callers: threads, after memory_end_boot(). */
MUST_CHECK enum err audit_machine(struct phys_range archive, bool both, struct audit_finding *out);
