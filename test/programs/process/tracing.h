/* SPDX-License-Identifier: MIT */
/* What the programs of ptrace(2) share. Included once. */
#pragma once

#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { /* linux/ptrace.h */
    TRACEME = 0,
    PEEKTEXT = 1,
    PEEKUSER = 3,
    POKETEXT = 4,
    POKEUSER = 6,
    CONT = 7,
    KILL = 8,
    STEP = 9,
    GETREGS = 12,
    SETREGS = 13,
    GETFPREGS = 14,
    SETFPREGS = 15,
    ATTACH = 16,
    DETACH = 17,
    CALLS = 24,
    SETOPTIONS = 0x4200,
    GETEVENTMSG,
    GETSIGINFO,
    SETSIGINFO,
    GETREGSET,
    SETREGSET,
    SEIZE,
    INTERRUPT,
    LISTEN,
    GETSIGMASK = 0x420a,
    SETSIGMASK,
    CALL_INFO = 0x420e,
};
#define WALL_ 0x40000000

static inline long pt(long request, pid_t pid, unsigned long address, unsigned long data)
{
    return syscall(SYS_ptrace, request, (long)pid, address, data);
}
#define D(p) ((unsigned long)(uintptr_t)(p))

/* Prints a status of wait4(), whose event is in the third byte. */
static inline int show(const char *name, pid_t got, pid_t pid, int status)
{
    printf("%s: %s", name,
           got == pid  ? "it"
           : got == -1 ? strerror(errno)
           : got == 0  ? "nobody"
                       : "another");
    if (got > 0 && WIFSTOPPED(status))
        printf(", stopped by %d%s, event %d\n", WSTOPSIG(status) & 127,
               WSTOPSIG(status) & 128 ? " at a call" : "", status >> 16);
    else if (got > 0)
        printf(", %s %d\n", WIFEXITED(status) ? "exited" : "killed",
               WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    else
        printf("\n");
    fflush(stdout);
    return status;
}

static inline int wait_for(const char *name, pid_t pid)
{
    int status = 0;
    pid_t got = waitpid(pid, &status, WALL_);
    return show(name, got, pid, status);
}

static inline struct user_regs_struct registers(pid_t pid)
{
    struct user_regs_struct regs = {0};
    pt(GETREGS, pid, 0, D(&regs));
    return regs;
}

static inline void show_info(const char *name, pid_t pid)
{
    siginfo_t info = {0};
    if (pt(GETSIGINFO, pid, 0, D(&info)) != 0)
        printf("%s: %s\n", name, strerror(errno));
    else
        printf("%s: signal %d, code %d, from %s\n", name, info.si_signo, info.si_code,
               info.si_code > 0 && info.si_code != 128 && info.si_code < 5 ? "a fault"
               : info.si_pid == pid                                        ? "itself"
               : info.si_pid == getpid()                                   ? "the tracer"
                                                                           : "another");
}

/* raise() of musl makes other calls beside it. */
static inline void raise_plain(int signal)
{
    syscall(SYS_tkill, syscall(SYS_gettid), signal);
}

static inline void on_signal(int signal)
{
    (void)signal;
}

/* A child that is traced and has stopped itself, then runs. */
static inline pid_t traced_child(void (*run)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        pt(TRACEME, 0, 0, 0);
        raise_plain(SIGSTOP);
        run();
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)
        printf("the child has not stopped: %x\n", status);
    return pid;
}
