/* SPDX-License-Identifier: MIT */
/* The lines of a fault report's text: for diag/text.c and diag/hint.c. */
#pragma once

#include "base/compiler.h"
#include "diag/text.h"

#define LL(x) ((unsigned long long)(x))

struct text_writer {
    fault_line sink;
    void *context;
};

/* Formats a line, which is cut after 239 bytes, and hands it to the sink. */
PRINTF_LIKE(2, 3) void text_line(const struct text_writer *w, const char *format, ...);
