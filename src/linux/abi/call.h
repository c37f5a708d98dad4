/* SPDX-License-Identifier: MIT */
/*
 * The record of a system call that is under way. A handler takes its arguments raw, because they are hostile, and
 * answers with an enum err; only linux/call/syscall.c turns that into the negative number that Linux returns.
 *
 *     enum err sys_dup(struct syscall *call)
 *     {
 *         int fd;
 *         enum err e = file_table_dup(..., (int)call->arg[0], &fd);
 *         if (e == E_OK)
 *             call->result = (uint64_t)fd;
 *         return e;
 *     }
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "cpu/trap_frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct syscall {
    const uint64_t *arg;      /* six: rdi, rsi, rdx, r10, r8, r9 */
    uint64_t result;          /* what the program gets on E_OK; 0 at entry */
    struct trap_frame *frame; /* all registers of the program: for exec, signals, sigreturn */
    bool restart; /* a handler sets it when it answers E_INTR and Linux would restart the call after
                     a handler with SA_RESTART (signal(7)) */
    bool restart_unhandled; /* the same, but E_INTR after any handler: pause, sigsuspend, sleeps,
                               poll. The call is made again only when the signal had no handler */
    bool restart_always;    /* the call is made again whatever handler ran: FUTEX_LOCK_PI */
    bool frame_replaced; /* set by rt_sigreturn and execve: the frame holds everything, rax too */
};

/* What a thread asked last, for fault reports. Kept in the thread, oldest overwritten first. */
#define SYSCALL_HISTORY 16

struct syscall_record {
    uint32_t number;
    bool finished; /* result is valid; false for the call that is under way */
    uint64_t arg[6];
    int64_t result; /* as the program saw it */
};

/* The newest `max` calls of the current thread, newest first; returns how many. Reads memory of the
 * kernel only. Callers: any, a panic too. */
size_t syscall_history(struct syscall_record *out, size_t max);
