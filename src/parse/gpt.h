/* SPDX-License-Identifier: MIT */
/*
 * The GUID partition table (UEFI 2.10, 5.3): a header in block 1 and an array of entries, and copies of both at the end
 * of the medium. Header and array have a CRC-32 each; where those of the first are wrong, the copy counts.
 */
#pragma once

#include "parse/partitions.h"

/* E_INVAL: neither table is good; E_IO: neither can be read. O(entries), of which there are at most 4,096. */
MUST_CHECK enum err gpt_read(const struct partition_medium *medium, struct partition_list *out);

/* CRC-32 as in Ethernet (polynomial 0x04c11db7, reflected); `crc` is 0 at first, then the last result. O(size). */
uint32_t gpt_crc32(uint32_t crc, const void *bytes, size_t size);
