/* SPDX-License-Identifier: MIT */
/* Where the log goes (base/log.h declares how it is written). */
#pragma once

#include "base/log.h"

/* Lines up to this level go to the console; all go to the ring. Callers: boot. */
void log_set_level(enum log_level level);
/* Prints the last lines of the ring that the level kept off the console. Panic path. */
void log_print_recent(unsigned lines);
/* Prints a line of a report: always, whatever the level. Panic path, any context. */
void report_line(const char *line);
void report(const char *format, ...) PRINTF_LIKE(1, 2);
