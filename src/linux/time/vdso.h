/* SPDX-License-Identifier: MIT */
/*
 * The vDSO in the program: "[vvar]", one read-only page that the kernel writes (vdso/vvar.h), and
 * "[vdso]", the shared object (src/vdso/) right behind it. To the program they are two private file
 * mappings: they may be unmapped, moved, and "[vdso]" even made writable, which gives the program a
 * copy of its own, all as on Linux.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"

/* Fills the shared page in. Boot, when the clock runs. */
void vdso_init(void);

/* Bytes of both mappings. */
uint64_t vdso_size(void);
/* Maps both at `at`, which is free, and says where the ELF image is (AT_SYSINFO_EHDR). E_NOMEM. */
MUST_CHECK enum err vdso_map(virt_t at);
static inline virt_t vdso_image(virt_t at)
{
    return virt(at.v + PAGE_SIZE);
}

/* The wall clock was set; the time zone (struct timezone as one word) was set. */
void vdso_clock_changed(void);
void vdso_set_timezone(uint64_t zone);
