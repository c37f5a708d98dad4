/* SPDX-License-Identifier: MIT */
#include "tool_native.h"
#include "fail.h"

#include <stdarg.h>
#include <stdio.h>

jmp_buf tool_native_catch;
char tool_native_sentence[512];

void fail(enum status status, const char *format, ...)
{
    (void)status;
    va_list args;
    va_start(args, format);
    vsnprintf(tool_native_sentence, sizeof(tool_native_sentence), format, args);
    va_end(args);
    longjmp(tool_native_catch, 1);
}
