/* SPDX-License-Identifier: MIT */
/*
 * The vDSO in the program: "[vvar]", one read-only page that the kernel writes (vdso/vvar.h),
 * followed by "[vdso]", the shared object (src/vdso/). Both are private file mappings: as on Linux,
 * the program may unmap or move them, and may make "[vdso]" writable, which copies its pages on
 * write.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"

/* Fills in the shared page. Boot, after the clock has started. */
void vdso_init(void);

/* Size of both mappings together, in bytes. */
uint64_t vdso_size(void);
/* Maps "[vvar]" and "[vdso]" at `at`; the range must be free. vdso_image(at) is the address of the
 * ELF image (AT_SYSINFO_EHDR). E_NOMEM. */
MUST_CHECK enum err vdso_map(virt_t at);
static inline virt_t vdso_image(virt_t at)
{
    return virt(at.v + PAGE_SIZE);
}

/* Updates the shared page after the time zone (struct timezone as one word) was set. The wall clock
 * is updated by time_realtime_changed() (kern/time.h). */
void vdso_set_timezone(uint64_t zone);
