/* SPDX-License-Identifier: MIT */
/* What the programs of this folder do in other processes. Included once. */
#pragma once

#include <grp.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs the part in a child, and waits for its end. */
static inline void child(void (*part)(void))
{
    int status = -1;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        part();
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (status != 0)
        printf("status %#x\n", status);
}

static inline void become_user(void)
{
    setgroups(0, NULL);
    syscall(SYS_setresgid, 1000, 1000, 1000);
    syscall(SYS_setresuid, 1000, 1000, 1000);
}

static inline void nap(int ms)
{
    usleep((useconds_t)ms * 1000);
}
