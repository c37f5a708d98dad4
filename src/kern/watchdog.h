/* SPDX-License-Identifier: MIT */
/*
 * The watchdog. While a thread runs, a timer ticks: its interrupt ends a `hlt` of the program
 * (linux/fault/exceptions.c) and arms the NMI timer (cpu/nmi_timer.h). While interrupts stay off,
 * the NMI timer fires again and again; after some seconds of that the machine is reported as hung.
 * While all threads sleep, neither runs. An NMI of another origin is a request for a report of all
 * threads.
 *
 * Of several CPUs the first ticks for all. With each tick it asks those that run threads to tick, by VECTOR_KICK; one that has not
 * done so by the next tick gets an NMI, and counts these as the first counts the NMI timer's. A CPU whose host has stopped it gets one NMI, when it goes on, however many were sent; and nothing is
 * reported while a CPU does not answer an NMI, for what another waits for may be there.
 */
#pragma once

#include "base/compiler.h"
#include "cpu/trap_frame.h"

#include <stdbool.h>

/* After `seconds` with interrupts off, watchdog_stuck() ends the machine; 0: never. Boot. */
void watchdog_start(unsigned seconds);
/* Restarts the timers when a thread runs again. Interrupts off. */
void watchdog_wake(void);
/* Of several CPUs: VECTOR_KICK has come, which found a program or the kernel. */
void watchdog_kicked(bool in_program);
/* Stops the watchdog: the machine is about to end, which may take long. Callers: any. */
void watchdog_stop(void);

/* Defined above: */
/* Prints the report of a hang and ends the machine (linux/fault/crash.c). */
NORETURN void watchdog_stuck(const struct trap_frame *frame);
/* Prints a report of all threads on an external request (diag/report.c). */
void report_by_request(const struct trap_frame *frame);
/* True while a report is being printed (diag/report.c). */
bool report_is_running(void);
