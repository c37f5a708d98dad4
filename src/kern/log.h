/* SPDX-License-Identifier: MIT */
/* Storage and output of the log (base/log.h: writing to it). */
#pragma once

#include "base/log.h"

/* Lines up to this level go to the console; all lines go to the ring. Callers: boot. */
void log_set_level(enum log_level level);
/* Prints those of the ring's last lines that the level kept off the console. Panic path. */
void log_print_recent(unsigned lines);
/* Prints a line of a report, whatever the level. Panic path, any context. */
void report_line(const char *line);
void report(const char *format, ...) PRINTF_LIKE(1, 2);
