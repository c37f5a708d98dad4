/* SPDX-License-Identifier: MIT */
/*
 * Between the machine's serial port and the tool's own stdin, stdout and stderr, until the program
 * ends.
 *
 *     serial --> unframe --> one queue --> stdout | stderr      order is kept across both
 *     stdin  --> escape  --> serial         sent after the kernel said it is ready
 *
 * Nothing blocks: a slow reader of stdout fills the queue, a full queue stops reading the serial
 * port, and the machine waits. A machine that does not take input stops the reading of stdin.
 */
#pragma once

#include "host/text.h"
#include "report/report.h"

#include <stdbool.h>

enum ending {
    ENDED_STATUS,      /* the program ended: status */
    ENDED_STOPPED,     /* boot ended with a reason: reason */
    ENDED_SILENT,      /* the machine went away without a word */
    ENDED_TIMEOUT,     /* the time was over */
    ENDED_UNSTARTED,   /* the kernel did not speak within the boot limit */
    ENDED_INTERRUPTED, /* Ctrl-C three times: the machine was still there */
    ENDED_MARKER,      /* what was waited for came */
    ENDED_PIPE,        /* nobody reads our output any more */
};

struct console_options {
    int serial;                          /* connected socket to the emulator; stays the caller's */
    const struct report_options *report; /* what is done to fault reports; NULL: nothing */
    struct args *profile; /* lines of profile.h are added here; NULL: none are wanted */
    bool verbose;         /* boot_output and boot marks go to stderr */
    bool keyboard;        /* the machine has one: stdin is not looked at */
    const char *marker;   /* the program's output up to which it runs: ENDED_MARKER; NULL: none */
    bool input;           /* stdin goes to the program; else it sees the end of input at once */
    double timeout;       /* seconds until ENDED_TIMEOUT; 0: none */
    double boot_limit;    /* seconds until ENDED_UNSTARTED; 0: none */
};

struct console_result {
    enum ending ending;
    int status;       /* ENDED_STATUS: 0-255 */
    bool greeted;     /* the kernel spoke */
    char reason[256]; /* ENDED_STOPPED: a sentence */
};

/* Runs until the end. All output was written when it returns, except after ENDED_PIPE. Prints the
 * last lines of boot_output itself where they explain an ENDED_SILENT or ENDED_UNSTARTED. */
void console_run(const struct console_options *options, struct console_result *result);
