/* SPDX-License-Identifier: MIT */
/* fail() for tests of the tool: it comes back to TOOL_FAILS instead of ending the process. */
#pragma once

#include <setjmp.h>
#include <stdbool.h>

extern jmp_buf tool_native_catch;
extern char tool_native_sentence[512]; /* of the last fail() */

/* True when `statement` failed the tool. What it had allocated stays allocated. */
#define TOOL_FAILS(statement)                                                                      \
    ({                                                                                             \
        volatile bool tool_failed_ = true;                                                         \
        if (setjmp(tool_native_catch) == 0) {                                                      \
            statement;                                                                             \
            tool_failed_ = false;                                                                  \
        }                                                                                          \
        tool_failed_;                                                                              \
    })
