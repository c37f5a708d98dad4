/* SPDX-License-Identifier: MIT */
/*
 * Builds boot_info.memory from the entries of a firmware map. Both loaders hand on the BIOS's
 * numbers for the kinds of memory (ACPI 6.4, 15.4), and both hand on its mistakes: entries in any
 * order, empty, overlapping, beyond the end of the address space.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "parse/boot_info.h"

/* Paints [base, base + length) into the map, which stays sorted and disjoint, neighbours of equal
 * kind merged. Where entries overlap, the kind that promises less holds: a byte is RAM only when
 * every entry that covers it says so. What lies above the architecture's 52 bits is cut off, and an
 * entry that wraps around is counted as reserved. E_2BIG when the map is full; it is then
 * unspecified. */
MUST_CHECK enum err memory_map_add(struct boot_info *info, uint64_t base, uint64_t length,
                                   uint32_t e820_type);
