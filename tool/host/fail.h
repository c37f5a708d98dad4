/* SPDX-License-Identifier: MIT */
/*
 * How the tool ends. Every failure is one sentence on stderr and one of these statuses; everything
 * that was started or created is gone by then (guard.h).
 */
#pragma once

#include "base/compiler.h"

enum status { /* the shell's and timeout(1)'s customs */
    STATUS_TIMEOUT = 124,
    STATUS_FAILED = 125,     /* the tool, the emulator or the boot failed, not the program */
    STATUS_CANNOT_RUN = 126, /* the program is there and cannot be run */
    STATUS_NOT_FOUND = 127,
    STATUS_SIGNAL = 128, /* plus the number of the signal */
};

/* "ouro: SENTENCE\n" on stderr, then leave(status). */
NORETURN void fail(enum status status, const char *format, ...) PRINTF_LIKE(2, 3);
/* As fail(STATUS_FAILED, …), with ": " and strerror(errno) at the end. */
NORETURN void fail_errno(const char *format, ...) PRINTF_LIKE(1, 2);
/* "ouro: SENTENCE\n" on stderr. */
void warn(const char *format, ...) PRINTF_LIKE(1, 2);
/* Ends children, removes temporary files, exits. */
NORETURN void leave(int status);
