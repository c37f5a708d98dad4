/* SPDX-License-Identifier: MIT */
/*
 * For our own bugs only. What the world refuses is an enum err, and what arrives malformed is
 * E_INVAL with the place (STYLE 16).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

/* Prints the reason and what is known about the machine, then ends it (diag/panic.c). */
NORETURN void panic(const char *format, ...) PRINTF_LIKE(1, 2);
NORETURN void panic_assert(const char *condition, const char *file, int line);

/* Always on, in the kernel and natively. */
#define assert(condition) ((condition) ? (void)0 : panic_assert(#condition, __FILE__, __LINE__))

/* At boot, for what nobody could handle: the expression and the error's name. */
#define must(expression)                                                                           \
    do {                                                                                           \
        enum err must_err = (expression);                                                          \
        if (must_err != E_OK)                                                                      \
            panic("%s: %s", #expression, err_name(must_err));                                      \
    } while (0)
