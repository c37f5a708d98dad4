/* SPDX-License-Identifier: MIT */
/*
 * The record of a system call in progress. A handler reads the raw, untrusted argument registers
 * and returns an enum err; only linux/call/syscall.c converts it to the negative error number of
 * Linux's ABI.
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
    uint64_t result;          /* the return value on E_OK; 0 at entry */
    struct trap_frame *frame; /* the program's registers; changed by exec, signals, sigreturn */
    /* Set together with E_INTR; how a call is restarted after a signal (signal(7)): */
    bool restart;           /* ERESTARTSYS: E_INTR only after a signal handler without SA_RESTART */
    bool restart_unhandled; /* ERESTARTNOHAND: E_INTR after any handler (pause, select) */
    bool restart_resumes;   /* ERESTART_RESTARTBLOCK: as that, but keeps deadline_ns (sleeps) */
    bool restart_always;    /* ERESTARTNOINTR: never E_INTR (FUTEX_LOCK_PI) */
    bool frame_replaced;    /* set by rt_sigreturn and execve: rax comes from the frame as well */
    /* On the call's clock. Set at entry if the call resumes one with restart_resumes; else 0. */
    uint64_t deadline_ns;
};

/* The last calls of a thread, for fault reports: a ring in struct linux_thread. */
#define SYSCALL_HISTORY 16

struct syscall_record {
    uint32_t number;
    bool finished; /* result is valid; false for a call in progress */
    uint64_t arg[6];
    int64_t result; /* as returned to the program: negative error numbers */
};

/* The start of a path among the arguments of one of the last calls: a ring in struct linux_thread. */
#define SYSCALL_TEXTS 8

struct syscall_text {
    uint64_t at;   /* the argument; 0: none */
    uint32_t call; /* linux_thread.history_next during the call */
    char text[52]; /* without a NUL: cut */
};

/* Copies the last `max` calls of the current thread, newest first; returns their number. Reads
 * kernel memory only. Callers: any, panic included. */
size_t syscall_history(struct syscall_record *out, size_t max);
