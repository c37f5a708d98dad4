/* SPDX-License-Identifier: MIT */
/*
 * The tool's terminal. While a program of the machine reads from it, the terminal is raw: no echo, no
 * editing, no signals. The line discipline in the machine does all that, Ctrl-C included. The settings
 * are restored before the tool prints a message and before it ends, however it ends: guard.h handles
 * the signals, and the guardian restores the settings after SIGKILL.
 *
 * Ctrl-C typed three times within a second ends the machine.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

#define TERMINAL_PATH_MAX 64

/* The message to the guardian on its pipe. */
struct terminal_saved {
    bool active;
    char path[TERMINAL_PATH_MAX]; /* of the terminal's device */
    struct termios settings;      /* to restore */
};

/* True if standard input is a terminal, and standard output or error is. */
bool terminal_offered(void);
/* Makes the terminal raw if it is not and the tool is in the foreground. */
void terminal_raw(void);
/* Restores the settings. Async-signal-safe; does nothing if they were not changed. */
void terminal_restore(void);
/* As terminal_restore(), called by the guardian with its copy of the settings. */
void terminal_put_back(const struct terminal_saved *saved);
/* True once after each change of the window size, with the current size. */
bool terminal_resized(uint16_t *columns, uint16_t *rows);
/* Scans typed bytes; true after three Ctrl-C within a second. */
bool terminal_is_end(const char *bytes, size_t size);
