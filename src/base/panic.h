/* SPDX-License-Identifier: MIT */
/*
 * panic() and assert() are for bugs of the kernel only. A failure of the environment is an enum
 * err, malformed input is E_INVAL with its offset.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

/* Prints the reason and a report, then ends the machine (diag/panic.c). Callers: any. */
NORETURN void panic(const char *format, ...) PRINTF_LIKE(1, 2);
NORETURN void panic_assert(const char *condition, const char *file, int line);

/* Enabled in every build, of the kernel and native. */
#define assert(condition) ((condition) ? (void)0 : panic_assert(#condition, __FILE__, __LINE__))

/* Panics with the expression and the error's name unless it is E_OK. For boot steps that have no
 * way to recover. */
#define must(expression)                                                                           \
    do {                                                                                           \
        enum err must_err = (expression);                                                          \
        if (must_err != E_OK)                                                                      \
            panic("%s: %s", #expression, err_name(must_err));                                      \
    } while (0)
