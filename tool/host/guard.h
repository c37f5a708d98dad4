/* SPDX-License-Identifier: MIT */
/*
 * Cleans up children and temporary files however the tool ends: return, failure, Ctrl-C, SIGTERM,
 * SIGKILL.
 *
 *   tool ----- pipe -----> guardian: waits for the end of the pipe, restores the terminal,
 *     |                              removes the temporary folder
 *     \------ PDEATHSIG -> children: the kernel kills them when the tool dies
 *
 * The guardian is a process in a session of its own, so that Ctrl-C does not reach it. It has none of
 * the tool's files open. Except after SIGKILL the tool waits for the guardian's end.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* Creates the temporary folder and the guardian, and handles SIGINT, SIGTERM, SIGHUP and SIGQUIT: the
 * handler kills all children, cleans up, and ends the tool by the same signal. Call once, before the
 * functions below. */
void guard_start(void);
/* The temporary folder: absolute, writable by this user only. */
const char *guard_folder(void);
/* Path of `name` in the temporary folder; malloc'ed. */
char *guard_path(const char *name);
/* Kills children, removes the folder, waits for the guardian. Harmless without guard_start() or
 * twice. */
void guard_end(void);
/* From now on the first of those signals is only noted, and the second one ends the tool. They are blocked, but in a
 * call that unblocks them by *old: ppoll(). */
void guard_note_signals(sigset_t *old);
/* The signal that was noted; 0: none. */
int guard_noted(void);
/* Ends the tool by the signal, as the handler does. Returns if `number` is 0. */
void guard_die(int number);
/* Ignores Ctrl-C from now on: a debugger that shares the terminal handles it. */
void guard_ignore_interrupt(void);

/* The guardian restores these settings if the tool dies without doing so. */
struct terminal_saved;
void guard_tell_terminal(const struct terminal_saved *saved);

struct child {
    pid_t pid;
    bool own_group; /* killed as a process group */
};

struct spawn {
    char *const *argv;        /* argv[0] is searched in PATH */
    int input, output, error; /* become 0, 1, 2; -1: /dev/null */
    int fourth;               /* becomes 3; 0: none */
    bool own_group;           /* a process group of its own, which Ctrl-C does not reach */
    const char *term;         /* TERM of the child; NULL: inherited */
    const char *folder;       /* current directory of the child; NULL: inherited */
};

/* Starts a program; false with errno if that fails. The child dies with the tool. */
bool child_start(const struct spawn *spawn, struct child *out);
/* Waits at most `milliseconds` (below 0: for ever) for the child's end; false if it still runs.
 * *wait_status as in waitpid(2). */
bool child_wait(struct child *child, int milliseconds, int *wait_status);
/* Kills the child, or its process group, if it still runs, and reaps it. */
void child_kill(struct child *child);
/* fork() for work that may crash: the new process cleans up nothing, keeps only the standard files and
 * `keep`, which becomes descriptor 3, and dies with the tool. Its stderr is /dev/null. The caller
 * waits for it. */
pid_t guard_fork(int keep);
/* Runs a helper to its end with its output captured. True if its status is 0; otherwise the output is
 * printed on stderr. A helper that cannot be started fails the tool. */
bool child_run(char *const *argv);
