/* SPDX-License-Identifier: MIT */
/*
 * The partition table of PCs ("dos"): four entries in block 0, of which one may be a chain of further ones, each in
 * a block of its own. Nothing in it is trusted: chains are bounded, places are cut to the medium, as Linux does.
 */
#pragma once

#include "parse/partitions.h"

#define MBR_BYTES 512

/* True if it is such a table: the signature, and flags that are 0 or 0x80. */
MUST_CHECK bool mbr_is_table(const uint8_t *block);
/* True if an entry says that a GPT is there. */
MUST_CHECK bool mbr_protects_gpt(const uint8_t *block);
/* `block` is block 0, not in medium->buffer, for which mbr_is_table() holds. An extended partition is itself one of two sectors, as on Linux.
 * E_IO: a part of the chain cannot be read; what was found before is in *out. O(partitions). */
MUST_CHECK enum err mbr_read(const struct partition_medium *medium, const uint8_t *block,
                             struct partition_list *out);
