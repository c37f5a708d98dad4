/* SPDX-License-Identifier: MIT */
/* What the page shows of the machine, read at the request. On Linux, what the kernel does not tell is null or absent. */
#pragma once

#include "json.h"

void machine_start(void);
/* The system, the process, the windows: what stays. */
void machine_write(struct json *json);
/* The areas of the process, the windows, and the regions of the kernel. */
void machine_areas_write(struct json *json);
/* Memory, faults, flushes, since boot. */
void machine_counters_write(struct json *json);
/* The walk of an address; not canonical: an object with `refused`. */
void machine_walk_write(struct json *json, uint64_t address);
/* Two hexadecimal digits for each of the pages from `start` on: mapped 1, accessed 2, dirty 4, writable 8; executable 1,
 * copy-on-write 2, large 4. With `look` accessed and dirty are cleared behind it, for the next look. O(pages). */
#define MACHINE_PAGES_MAX 16384
void machine_pages_write(struct json *json, uint64_t start, uint64_t count, bool look);
