/* SPDX-License-Identifier: MIT */
/* What every thread is doing: for reports (report_thread_line(), diag/report.h), and for the person at the keyboard. */
#pragma once

/* Has the magic keys (kern/sysrq.h) show threads and page tables, where there is a keyboard to press
 * them on. Boot. */
void thread_dump_keys(void);
