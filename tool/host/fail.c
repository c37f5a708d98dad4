/* SPDX-License-Identifier: MIT */
#include "host/fail.h"
#include "host/guard.h"
#include "host/progress.h"
#include "host/terminal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(const char *format, va_list args, const char *reason)
{
    terminal_restore();
    progress_clear();
    fputs("ouro: ", stderr);
    vfprintf(stderr, format, args);
    if (reason)
        fprintf(stderr, ": %s", reason);
    fputc('\n', stderr);
}

void fail(enum status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args, NULL);
    va_end(args);
    leave((int)status);
}

void fail_errno(const char *format, ...)
{
    const char *reason = strerror(errno);
    va_list args;
    va_start(args, format);
    say(format, args, reason);
    va_end(args);
    leave(STATUS_FAILED);
}

void warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args, NULL);
    va_end(args);
}

void leave(int status)
{
    progress_clear();
    guard_end();
    exit(status);
}
