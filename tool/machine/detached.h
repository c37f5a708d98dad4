/* SPDX-License-Identifier: MIT */
/*
 * Machines in the background: `ouro run --detach --name NAME`, and what ps, logs, stop and attach find of them. A shell and
 * systemd keep processes; this keeps a name.
 *
 * Each has a folder, $XDG_STATE_HOME/ouro/machines/NAME (~/.local/state without it), which stays until a machine of that name is
 * started anew or forgotten:
 *
 *   lock    the tool of the machine has a lock of this file while it lives, so that nothing is left to be mended after SIGKILL
 *   log     output and errors of the program, and the tool's messages
 *   input   a FIFO: the program's input
 *   about   a line for ps
 *   status  its exit status; not there if the tool was killed
 */
#pragma once

#include "host/text.h"

#include <stdbool.h>
#include <sys/types.h>

/* True for 1 to 64 letters, digits, -, _ and ., the first of them none of -, _ and . */
bool detached_is_name(const char *text);

/*
 * Returns in a new process without a terminal; its output is the log. The first process waits for detached_ready(), prints the
 * name and exits with 0, or prints the log and exits with the status if the new one ends before. `name` NULL: the base name of
 * `program`, with a number if a machine of that name runs. Before guard_start(). Fails the tool if a machine of the name runs.
 */
void detached_start(const char *name, const char *program);
void detached_ready(void);
/* Removes what is kept of a machine that does not run, by its folder. */
void detached_forget(const char *folder);
/* Keeps the exit status. Does nothing without detached_start(). */
void detached_end(int status);

struct detached {
    char *name, *folder;
    pid_t pid;    /* of the tool; 0: it has ended */
    int status;   /* -1: unknown */
    long started; /* seconds since 1970 */
    char *about;
};

/* The machine of that name; fails the tool if there is none. */
void detached_find(const char *name, struct detached *out);
/* All names, sorted. */
void detached_list(struct args *names);
