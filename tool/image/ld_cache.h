/* SPDX-License-Identifier: MIT */
/*
 * /etc/ld.so.cache as glibc 2.2 and later write it (elf/cache.c of glibc describes it to its own
 * ld.so): a header, entries of 24 bytes, and strings that they point to, counted from the header.
 *
 *     [ "ld.so-1.7.0" and the older table ]  "glibc-ld.so.cache1.1" | count | bytes of strings | …
 *                                            flags, key, value, os version, hwcap | …
 *
 * Pure: works on bytes in memory, all of which are checked.
 */
#pragma once

#include "host/text.h"

/* Adds the paths of all 64-bit libraries of this name, in the cache's order, which is ld.so's for
 * those without hardware capabilities; ld.so picks among the others by the CPU it finds. False when
 * the bytes are no such cache. */
bool ld_cache_find(const void *bytes, size_t size, const char *name, struct args *out);
