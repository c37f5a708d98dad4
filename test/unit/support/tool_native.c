/* SPDX-License-Identifier: MIT */
#include "tool_native.h"
#include "host/fail.h"

#include <stdarg.h>
#include <stdio.h>

jmp_buf tool_native_catch;
char tool_native_sentence[512];

static NORETURN void caught(const char *format, va_list args)
{
    vsnprintf(tool_native_sentence, sizeof(tool_native_sentence), format, args);
    longjmp(tool_native_catch, 1);
}

void fail(enum status status, const char *format, ...)
{
    (void)status;
    va_list args;
    va_start(args, format);
    caught(format, args);
}

void fail_errno(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    caught(format, args);
}
