/* SPDX-License-Identifier: MIT */
/* fail() for tests of the tool: it returns to TOOL_FAILS instead of ending the process. */
#pragma once

#include <setjmp.h>
#include <stdbool.h>

extern jmp_buf tool_native_catch;
extern char tool_native_sentence[512]; /* of the last fail() */

/* True if `statement` called fail(). Its allocations are not freed. */
#define TOOL_FAILS(statement)                                                                      \
    ({                                                                                             \
        volatile bool tool_failed_ = true;                                                         \
        if (setjmp(tool_native_catch) == 0) {                                                      \
            statement;                                                                             \
            tool_failed_ = false;                                                                  \
        }                                                                                          \
        tool_failed_;                                                                              \
    })
