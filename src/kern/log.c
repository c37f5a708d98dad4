/* SPDX-License-Identifier: MIT */
#include "kern/log.h"

#include "base/fmt.h"
#include "base/str.h"
#include "cpu/lock.h"
#include "kern/console.h"
#include "kern/time.h"
#include "mm/heap/heap.h"

#include <stdarg.h>
#include <stdbool.h>

#define LINE_MAX LOG_LINE_MAX
#define RECENT   LOG_RING_LINES

static enum log_level console_level = LOG_WARN;

/* Ring of the last lines, of all levels. */
static struct spin_lock log_spin;
static char recent[RECENT][LINE_MAX] GUARDED_BY(class_log);
static uint8_t recent_level[RECENT] GUARDED_BY(class_log);
static unsigned recent_next GUARDED_BY(class_log);

enum log_level log_set_level(enum log_level level)
{
    enum log_level before = console_level;
    console_level = level;
    return before;
}

/* The copy of the newest report; NULL: none is kept. */
static struct {
    char *text;
    size_t size;
    bool open, full;
} kept;

static void log_keep(const char *line)
{
    size_t length = strlen(line);
    kept.full = kept.full || length >= LOG_REPORT_MAX - kept.size;
    if (kept.full)
        return;
    memcpy(kept.text + kept.size, line, length);
    kept.text[kept.size + length] = '\n';
    kept.size += length + 1;
}

void log_report_begin(void)
{
    kept.open = kept.text != NULL;
    kept.full = false;
    kept.size = 0;
}

void log_report_end(void)
{
    kept.open = false;
}

const char *log_report_text(size_t *size)
{
    if (kept.text == NULL)
        kept.text = heap_alloc(LOG_REPORT_MAX);
    *size = kept.size;
    return kept.text;
}

void report_line(const char *line)
{
    if (kept.open)
        log_keep(line);
    console_write(CONSOLE_LOG, line, strlen(line));
    console_write(CONSOLE_LOG, console_is_framed() ? "\n" : "\r\n", console_is_framed() ? 1 : 2);
}

/* Marks a line that was cut. */
static void mark_truncation(char *line, size_t whole)
{
    static const char mark[] = "(truncated)";
    if (whole >= LINE_MAX)
        memcpy(line + LINE_MAX - sizeof mark, mark, sizeof mark);
}

void log_write(enum log_level level, const char *tag, const char *format, ...)
{
    char line[LINE_MAX];
    uint64_t us = time_now_ns() / 1000;
    size_t n =
        fmt_snprintf(line, sizeof line, "[%5llu.%06llu] %s: ", (unsigned long long)(us / 1000000),
                     (unsigned long long)(us % 1000000), tag);
    va_list args;
    va_start(args, format);
    n += fmt_vsnprintf(line + n, sizeof line - n, format, args);
    va_end(args);
    mark_truncation(line, n);
    uint64_t flags = spin_lock_irq(&log_spin, &class_log);
    recent_level[recent_next % RECENT] = (uint8_t)level;
    str_copy(recent[recent_next++ % RECENT], line, LINE_MAX);
    spin_unlock_irq(&log_spin, &class_log, flags);
    if (level <= console_level)
        report_line(line);
}

bool log_get(uint64_t *number, enum log_level *level, char line[LOG_LINE_MAX])
{
    uint64_t flags = spin_lock_irq(&log_spin, &class_log), next = recent_next;
    if (next > RECENT && *number < next - RECENT)
        *number = next - RECENT;
    bool found = *number < next;
    if (found) {
        *level = recent_level[*number % RECENT];
        str_copy(line, recent[*number % RECENT], LINE_MAX);
        ++*number;
    }
    spin_unlock_irq(&log_spin, &class_log, flags);
    return found;
}

uint64_t log_count(void)
{
    uint64_t flags = spin_lock_irq(&log_spin, &class_log), next = recent_next;
    spin_unlock_irq(&log_spin, &class_log, flags);
    return next;
}

/* Colours a report's main lines on a screen. The headline first resets what the program may have
 * changed in the terminal (scroll region, character set, modes), so that the report is readable. */
static const char *log_colour_of(const char *line)
{
    if (strncmp(line, "====", 4) == 0)
        return "\0337\033[r\0338\033[0m\033(B\017\033[4l\033[?7h\033[J\033[1;31m";
    return strncmp(line, "  hint", 6) == 0 ? "\033[1;33m" : NULL;
}

void report(const char *format, ...)
{
    char line[LINE_MAX];
    va_list args;
    va_start(args, format);
    size_t n = fmt_vsnprintf(line, sizeof line, format, args);
    va_end(args);
    mark_truncation(line, n);
    const char *colour = log_colour_of(line);
    if (colour != NULL)
        console_write_screen(colour);
    report_line(line);
    if (colour != NULL)
        console_write_screen("\033[0m");
}

/* Without the lock, for a report: a line that was being added may come out incomplete. */
void log_print_recent(unsigned lines) NO_LOCK_ANALYSIS
{
    if (lines > RECENT)
        lines = RECENT;
    if (lines > recent_next)
        lines = recent_next;
    for (unsigned i = recent_next - lines; i != recent_next; i++)
        report_line(recent[i % RECENT]);
}
