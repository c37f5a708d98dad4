/* SPDX-License-Identifier: MIT */
/*
 * While something runs, a timer ticks: an interrupt that ends a `hlt` of the program
 * (linux/fault/exceptions.c), and that winds up an alarm clock. When interrupts stay off, the clock rings by
 * NMI, again and again; after some seconds of that nothing will go on any more. While all sleep,
 * nothing ticks. An NMI that is not the clock's comes from outside: a report of all threads.
 */
#pragma once

#include "base/compiler.h"
#include "cpu/trap_frame.h"

#include <stdbool.h>

/* `seconds` without interrupts are too many, and watchdog_stuck() ends the machine; 0: never. Boot. */
void watchdog_start(unsigned seconds);
/* Somebody runs again. Interrupts off. */
void watchdog_wake(void);
/* The machine is about to end, and may take its time. Callers: any. */
void watchdog_stop(void);

/* Defined above: */
/* Prints the report of a hang and ends the machine (linux/fault/crash.c). */
NORETURN void watchdog_stuck(const struct trap_frame *frame);
/* A report of all threads, asked for from outside (diag/report.c). */
void report_by_request(const struct trap_frame *frame);
/* True while a report is being printed (diag/report.c). */
bool report_is_running(void);
