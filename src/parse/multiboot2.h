/* SPDX-License-Identifier: MIT */
/* The Multiboot2 information block (Multiboot2 specification 2.0, section 3.6). Pure. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "parse/boot_info.h"
#include "parse/parse_fault.h"

#define MULTIBOOT2_LOADER_MAGIC 0x36d76289 /* in EAX at entry */

/* Reads the block of `size` readable bytes at `block` (the whole mapped window: the block's own
 * total_size must fit in it) that lies at physical address `where`. Everything kept is copied into
 * *out. E_INVAL with *fault when it is malformed; *out is then unspecified. Too many memory
 * entries: the neighbours of equal kind are merged first, and what still does not fit is E_2BIG. */
MUST_CHECK enum err multiboot2_parse(const void *block, uint64_t size, phys_t where,
                                     struct boot_info *out, struct parse_fault *fault);
