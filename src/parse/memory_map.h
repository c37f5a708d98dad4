/* SPDX-License-Identifier: MIT */
/*
 * Builds boot_info.memory from the entries of a firmware memory map. Both loaders pass on the E820
 * types of the BIOS (ACPI 6.4, 15.4) and its errors: entries in any order, empty, overlapping, or
 * beyond the end of the address space.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "parse/boot_info.h"

/* Adds [base, base + length) to the map, which stays sorted and disjoint; equal neighbours are
 * merged. Where entries overlap, the stricter kind applies: a byte is RAM only if each entry that
 * covers it is RAM. Addresses above 2^52 are dropped; an entry that wraps around is reserved up to
 * 2^52. E_2BIG: the map is full, and unspecified. */
MUST_CHECK enum err memory_map_add(struct boot_info *info, uint64_t base, uint64_t length,
                                   uint32_t e820_type);
/* Cuts the map at `end`, where the CPU's physical addresses end. Returns the end of RAM, 0 if there is none. */
uint64_t memory_map_cut(struct boot_info *info, uint64_t end);
/* A module that ends in what the firmware keeps, and begins there or in RAM right before it (QEMU lays it over SeaBIOS's last pages):
 * its part of that becomes RAM, from the start of its page on. False: it does not end so, or the map is full. O(entries) */
MUST_CHECK bool memory_map_claim(struct boot_info *info, struct phys_range module);
