/* SPDX-License-Identifier: MIT */
/* Storage and output of the log (base/log.h: writing to it). */
#pragma once

#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lines up to this level go to the console; all lines go to the ring. Returns the level before.
 * Callers: boot, threads. */
enum log_level log_set_level(enum log_level level);
#define LOG_LINE_MAX   256
#define LOG_RING_LINES 32 /* of the ring */

/* Copies line number *number, counted from boot, or the oldest kept line after it, with its NUL;
 * *number: the next one. False: there is none. O(1). Callers: threads. */
bool log_get(uint64_t *number, enum log_level *level, char line[LOG_LINE_MAX]);
/* The number of the next line. */
uint64_t log_count(void);
/* Prints those of the ring's last lines that the level kept off the console. Panic path. */
void log_print_recent(unsigned lines);
/* Prints a line of a report, whatever the level. Panic path, any context. */
void report_line(const char *line);
void report(const char *format, ...) PRINTF_LIKE(1, 2);

/* The lines of report_line() and report() between these two are one report, of which log_report_text() has a copy. Panic
 * path, any context. */
void log_report_begin(void);
void log_report_end(void);
/* The newest report, or the one being written; *size: its bytes, 0 if there was none. Reports are kept from the first call on, which takes
 * LOG_REPORT_MAX bytes of the heap; a longer one is cut at the end of a line. NULL: the heap has no room. Threads. */
#define LOG_REPORT_MAX 16384
const char *log_report_text(size_t *size);
