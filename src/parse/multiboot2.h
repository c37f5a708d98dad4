/* SPDX-License-Identifier: MIT */
/* Parser of the Multiboot2 information block (Multiboot2 specification 2.0, section 3.6). Pure. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "parse/boot_info.h"
#include "parse/parse_fault.h"

#define MULTIBOOT2_LOADER_MAGIC 0x36d76289 /* in EAX at entry */

/* Parses the block at `block`, of which `size` bytes are readable and which lies at physical
 * address `where`; its total_size must be at most `size`. *out is a copy: it does not point into
 * the block. E_INVAL with *fault: malformed. E_2BIG: too many modules or parts of the memory map.
 * *out is unspecified on error. */
MUST_CHECK enum err multiboot2_parse(const void *block, uint64_t size, phys_t where,
                                     struct boot_info *out, struct parse_fault *fault);
