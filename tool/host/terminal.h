/* SPDX-License-Identifier: MIT */
/*
 * The terminal that the tool stands in. While a program of the machine reads from it, it is raw: no
 * echo, no editing, no signals, so that the program's own terminal in the machine decides about all
 * that, Ctrl-C too. It is put back before the tool says anything of its own and before it ends,
 * however it ends: guard.h has the signals, and the guardian is told what to put back after SIGKILL.
 *
 * What is never passed on: Ctrl-C typed three times within a second ends the machine.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

#define TERMINAL_PATH_MAX 64

/* What the guardian reads from its pipe. */
struct terminal_saved {
    bool active;
    char path[TERMINAL_PATH_MAX]; /* of the terminal's device */
    struct termios settings;      /* to put back */
};

/* Can the machine have the terminal: is there one at standard input, and at standard output or
 * error? */
bool terminal_offered(void);
/* Makes it raw, if it is not and we are in its foreground. */
void terminal_raw(void);
/* Puts it back. Async-signal-safe; harmless when nothing was changed. */
void terminal_restore(void);
/* The same, by the guardian: from its own copy. */
void terminal_put_back(const struct terminal_saved *saved);
/* True once after each change of the window, with the size it has now. */
bool terminal_resized(uint16_t *columns, uint16_t *rows);
/* Counts what was typed; true when it says that the machine is to end. */
bool terminal_is_end(const char *bytes, size_t size);
