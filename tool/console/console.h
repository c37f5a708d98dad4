/* SPDX-License-Identifier: MIT */
/*
 * Copies between the machine and the tool's stdin, stdout and stderr, until the program ends.
 *
 *     serial --> unframe --> one queue --> stdout | stderr      order is kept across all
 *     port   --> unblock --/
 *     stdin  --> escape, or blocks --> serial, or port          after the kernel's FRAME_READY
 *
 * Nothing blocks: a slow reader of stdout fills the queue, a full queue stops reading the machine's
 * output, and the machine waits. A machine that does not take input stops the reading of stdin.
 */
#pragma once

#include "host/text.h"
#include "report/report.h"

#include <stdbool.h>
#include <sys/types.h>

enum ending {
    ENDED_STATUS,      /* the program ended: status */
    ENDED_STOPPED,     /* boot ended with a reason: reason */
    ENDED_SILENT,      /* the machine ended without a status or a reason */
    ENDED_TIMEOUT,     /* the time limit expired */
    ENDED_UNSTARTED,   /* no output of the kernel within the boot limit */
    ENDED_INTERRUPTED, /* Ctrl-C three times, with the machine still running */
    ENDED_MARKER,      /* the marker was printed */
    ENDED_PIPE,        /* the reader of the output has closed it */
};

struct console_options {
    int serial;                          /* connected socket to the emulator; stays the caller's */
    int port;                            /* the same, for the port; -1: none */
    const struct report_options *report; /* how to render fault reports; NULL: unchanged */
    struct args *profile;                /* gets the lines of profile.h; NULL: no profile */
    struct args *missed;  /* gets the paths that the program did not find; NULL: none */
    bool verbose;         /* boot_output and boot marks go to stderr */
    bool keyboard;        /* the machine has a keyboard: stdin is not read */
    const char *marker;   /* output of the program that causes ENDED_MARKER; NULL: none */
    void (*marked)(void); /* is called at the marker instead, once; NULL: it ends */
    bool input;     /* stdin goes to the program; false: the program reads end of file at once */
    double timeout; /* seconds until ENDED_TIMEOUT; 0: none */
    double
        boot_limit; /* seconds until ENDED_UNSTARTED, those apart in which this computer has kept the emulator waiting; 0: none */
    pid_t emulator; /* with boot_limit */
    /* The machine has files that outlive it: a time limit and signals press its power button first, and wait for its
     * end. A signal ends the tool then. */
    bool power;
    bool
        stops; /* with power: a signal to the tool only presses it, and the ending is the program's */
};

struct console_result {
    enum ending ending;
    int status;       /* ENDED_STATUS: 0-255 */
    bool greeted;     /* the kernel sent its first frame */
    char reason[256]; /* ENDED_STOPPED: a message */
};

/* Runs until the end. All output is written on return, except after ENDED_PIPE. Prints the last lines
 * of boot_output if they explain ENDED_SILENT or ENDED_UNSTARTED. */
void console_run(const struct console_options *options, struct console_result *result);
