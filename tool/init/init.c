/* SPDX-License-Identifier: MIT */
/*
 * Process 1 of `ouro run --user` and --init: takes the user's ids, and executes the program, or stays in front of it.
 *
 *     ouro-init IDS exec|init|init:SIGNAL FILE NAME [ARGS...]
 *
 * IDS is UID:GID[:GROUP,...], or -. With a SIGNAL the program gets that one for SIGTERM. With `init` the program is process 2. Process 1 reaps all orphans, forwards signals to
 * the program, and ends with its status (128 + N if signal N killed it): when the program has ended, or, if it ended with
 * 0 and left processes in the background, when the last of them has. Signals go to all of those then. It keeps its own
 * ids, so that no process of the user can end it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define GROUPS_MAX       1024
#define STATUS_USAGE     125
#define STATUS_NOT_RUN   126
#define STATUS_NOT_FOUND 127
#define STATUS_SIGNAL    128

static void stop(const char *what)
{
    fprintf(stderr, "ouro: %s: %s\n", what, strerror(errno));
    exit(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN);
}

static void take_ids(char *ids)
{
    static gid_t groups[GROUPS_MAX];
    size_t count = 0;
    if (strcmp(ids, "-") == 0)
        return;
    uid_t uid = (uid_t)strtoul(ids, &ids, 10);
    gid_t gid = *ids == ':' ? (gid_t)strtoul(ids + 1, &ids, 10) : 0;
    while ((*ids == ':' || *ids == ',') && count < GROUPS_MAX)
        groups[count++] = (gid_t)strtoul(ids + 1, &ids, 10);
    if (setgroups(count, groups) != 0 || setgid(gid) != 0 || setuid(uid) != 0)
        stop("cannot take the ids of --user");
}

static void run(char *ids, const char *file, char **argv)
{
    take_ids(ids);
    execv(file, argv);
    stop(file);
}

static pid_t start(char *ids, const char *file, char **argv, const sigset_t *before)
{
    pid_t pid = fork();
    if (pid < 0)
        stop("cannot fork");
    if (pid > 0)
        return pid;
    /* A group of its own, in the foreground: a terminal's signals go to the program. */
    if (setpgid(0, 0) == 0)
        tcsetpgrp(STDIN_FILENO, getpid());
    sigprocmask(SIG_SETMASK, before, NULL);
    run(ids, file, argv);
    return 0;
}

/* Reaps all that have ended. Ends process 1 if nothing is left to wait for. */
static void reap(pid_t *program, int *status)
{
    int ended;
    for (pid_t pid; (pid = waitpid(-1, &ended, WNOHANG)) != 0;) {
        if (pid < 0 && errno == ECHILD)
            exit(*status);
        if (pid != *program)
            continue;
        *program = 0;
        *status = WIFSIGNALED(ended) ? STATUS_SIGNAL + WTERMSIG(ended) : WEXITSTATUS(ended);
        if (*status != 0)
            exit(*status);
    }
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: ouro-init IDS exec|init[:SIGNAL] FILE NAME [ARGS...]\n");
        return STATUS_USAGE;
    }
    if (strncmp(argv[2], "init", 4) != 0)
        run(argv[1], argv[3], argv + 4);
    int stop_signal = argv[2][4] == ':' ? atoi(argv[2] + 5) : SIGTERM;
    sigset_t all, before;
    int status = 0;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t program = start(argv[1], argv[3], argv + 4, &before);
    for (;;) {
        int signal = sigwaitinfo(&all, NULL);
        if (signal == SIGCHLD)
            reap(&program, &status);
        else if (signal > 0 && signal != SIGTTIN && signal != SIGTTOU)
            kill(program != 0 ? program : -1, signal == SIGTERM ? stop_signal : signal);
    }
}
