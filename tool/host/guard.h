/* SPDX-License-Identifier: MIT */
/*
 * Nothing stays behind, whatever ends the tool: return, failure, Ctrl-C, SIGTERM, even SIGKILL.
 *
 *   tool ----- pipe -----> guardian: waits for the end of the pipe, removes the temporary folder
 *     \------ PDEATHSIG -> children: the kernel kills them when the tool dies
 *
 * The guardian is a process in a session of its own, so that Ctrl-C does not reach it. It holds
 * none of the tool's files. The tool waits for it before it ends in every case but SIGKILL.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Creates the temporary folder and the guardian, and takes over SIGINT, SIGTERM, SIGHUP and
 * SIGQUIT: they kill all children, clean up, and then end the tool as they would have. Call once,
 * before the functions below. */
void guard_start(void);
/* The temporary folder: absolute, writable by this user only. */
const char *guard_folder(void);
/* Path of `name` in the temporary folder; malloc'ed. */
char *guard_path(const char *name);
/* Kills children, removes the folder, waits for the guardian. Harmless without guard_start() or
 * twice. */
void guard_end(void);
/* From now on Ctrl-C is somebody else's: a debugger that shares the terminal. */
void guard_ignore_interrupt(void);

/* The guardian puts these settings back if the tool dies without having done so. */
struct terminal_saved;
void guard_tell_terminal(const struct terminal_saved *saved);

struct child {
    pid_t pid;
    bool own_group; /* signals go to the whole process group */
};

struct spawn {
    char *const *argv;        /* argv[0] is searched in PATH */
    int input, output, error; /* become 0, 1, 2; -1: /dev/null */
    bool own_group;           /* out of reach of the terminal's Ctrl-C */
    const char *term;         /* TERM for the child; NULL: as ours */
    const char *folder;       /* where it starts; NULL: as ours */
};

/* Starts a program; false with errno when it cannot be started. The child dies with the tool. */
bool child_start(const struct spawn *spawn, struct child *out);
/* Waits at most `milliseconds` for the child's end; false when it still runs. *wait_status as
 * waitpid(2). */
bool child_wait(struct child *child, int milliseconds, int *wait_status);
/* Ends the child and everything in its group, if it still runs, and reaps it. */
void child_kill(struct child *child);
/* fork() for work that may crash: the new process has nothing of ours to clean up, keeps only the
 * standard files and `keep`, which becomes 3, and dies with the tool. Its stderr is /dev/null. The
 * caller waits for it. */
pid_t guard_fork(int keep);
/* Runs a helper to its end, with its output kept from the terminal. True when it ended with 0;
 * otherwise its output was printed on stderr. A helper that cannot be started fails the tool:
 * "cannot start NAME". */
bool child_run(char *const *argv);
