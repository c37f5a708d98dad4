/* SPDX-License-Identifier: MIT */
/* Generators of the files of /proc and /sys about the machine, and the start of both (proc(5)). */
#pragma once

#include "fs/proc/procfs.h"

/* Mounts /proc and /sys with the table in proc_table.c. Boot. E_NOMEM. */
MUST_CHECK enum err proc_table_start(void);

void proc_show_boot_id(struct text *text, void *context);
void proc_show_cpuinfo(struct text *text, void *context);
void proc_show_loadavg(struct text *text, void *context);
void proc_show_new_uuid(struct text *text, void *context);
void proc_show_report(struct text *text, void *context);
void proc_show_stat(struct text *text, void *context);
void proc_show_uptime(struct text *text, void *context);

/* proc_memory.c */
void proc_show_buddyinfo(struct text *text, void *context);
void proc_show_meminfo(struct text *text, void *context);
void proc_show_swaps(struct text *text, void *context);
void proc_show_node_meminfo(struct text *text, void *context);
void proc_show_vmstat(struct text *text, void *context);
void proc_show_zoneinfo(struct text *text, void *context);

/* proc_devices.c */
void proc_show_cache(struct text *text, void *context); /* context: index * 8 + field */
void proc_show_file_count(struct text *text, void *context);
void proc_show_interrupts(struct text *text, void *context);
void proc_show_locks(struct text *text, void *context);
void proc_show_softirqs(struct text *text, void *context);

/* A number in /proc/sys that may be set within limits. */
struct proc_number {
    uint64_t *value, least, most;
};

/* The size in bytes of the CPU's cache by its index in /sys/devices/system/cpu/cpu0/cache; 0: there is
 * none, or the CPU does not say. */
#define PROC_CACHE_LAST UINT32_MAX /* the one of /proc/cpuinfo: the largest; AMD: L2 */
uint64_t proc_cache_size(uint32_t index);
