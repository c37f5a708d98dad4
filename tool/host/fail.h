/* SPDX-License-Identifier: MIT */
/*
 * The end of the tool. Every failure prints one message on stderr and exits with one of these
 * statuses, after children and temporary files are gone (guard.h).
 */
#pragma once

#include "base/compiler.h"

enum status { /* as in the shell and timeout(1) */
    STATUS_TIMEOUT = 124,
    STATUS_FAILED = 125,     /* the tool, the emulator or the boot failed, not the program */
    STATUS_CANNOT_RUN = 126, /* the program exists and cannot be run */
    STATUS_NOT_FOUND = 127,
    STATUS_SIGNAL = 128, /* plus the signal's number */
};

/* Prints "ouro: MESSAGE\n" on stderr, then calls leave(status). */
NORETURN void fail(enum status status, const char *format, ...) PRINTF_LIKE(2, 3);
/* Like fail(STATUS_FAILED, …), with ": " and strerror(errno) appended. */
NORETURN void fail_errno(const char *format, ...) PRINTF_LIKE(1, 2);
/* Prints "ouro: MESSAGE\n" on stderr. */
void warn(const char *format, ...) PRINTF_LIKE(1, 2);
/* Kills children, removes temporary files, exits. */
NORETURN void leave(int status);
