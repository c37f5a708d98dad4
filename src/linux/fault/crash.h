/* SPDX-License-Identifier: MIT */
/*
 * Reports about the end of the program. Linux's part of all reports, report_call_line() and
 * report_call_name() (diag/report.h), signal_fault_report() (linux/task/signal.h) and watchdog_stuck()
 * (kern/watchdog.h) are defined here.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "cpu/trap_frame.h"

/* Reports that the program accessed `at` and no frame was free. */
void crash_out_of_memory(const struct trap_frame *frame, virt_t at);
