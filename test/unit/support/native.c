/* SPDX-License-Identifier: MIT */
/*
 * Log and panic of a native test. Both format by the kernel's fmt_vsnprintf(), so that a test finds
 * a format that it does not support.
 */
#include "native.h"

#include "base/fmt.h"
#include "base/log.h"
#include "base/panic.h"
#include "mm/phys/reserve.h"

#include <stdio.h>
#include <stdlib.h>

jmp_buf native_panic_catch;
bool native_panic_armed;

/* There is no swap. */
bool reserve_admits(void)
{
    return true;
}

void reserve_owe(void)
{
}

bool reserve_refill(void)
{
    return false;
}

static char panic_text[512];
char native_log_last[512];

const char *native_panic_text(void)
{
    return panic_text;
}

static NORETURN void panic_end(void)
{
    if (native_panic_armed) {
        native_panic_armed = false;
        longjmp(native_panic_catch, 1);
    }
    fprintf(stderr, "panic: %s\n", panic_text);
    abort();
}

void panic(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(panic_text, sizeof panic_text, format, args);
    va_end(args);
    panic_end();
}

void panic_assert(const char *condition, const char *file, int line)
{
    fmt_snprintf(panic_text, sizeof panic_text, "%s:%d: assertion failed: %s", file, line,
                 condition);
    panic_end();
}

void log_write(enum log_level level, const char *tag, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(native_log_last, sizeof native_log_last, format, args);
    va_end(args);
    fprintf(stderr, "<%d>%s: %s\n", level, tag, native_log_last);
}
