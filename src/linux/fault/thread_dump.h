/* SPDX-License-Identifier: MIT */
/* The state of every thread, for reports (report_thread_line(), diag/report.h) and the SysRq
 * keys. */
#pragma once

/* Adds SysRq letters (kern/sysrq.h) that show threads and page tables, if there is a keyboard.
 * Boot. */
void thread_dump_keys(void);
