/* SPDX-License-Identifier: MIT */
/*
 * Restartable sequences, rseq(2): a critical section of a few instructions in the program. If it is
 * interrupted, the kernel continues the program at the abort handler of the sequence.
 *
 * A sequence is interrupted by a signal handler (signal_deliver.c, before the frame is built) or by
 * a preemption (exceptions.c).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "linux/abi/call.h"

enum err sys_rseq(struct syscall *call);

/* If frame->rip lies in a restartable sequence, moves it to the abort handler. E_FAULT, E_INVAL:
 * the program's struct rseq or rseq_cs is invalid; the caller sends SIGSEGV, as Linux does. */
MUST_CHECK enum err rseq_interrupt(struct trap_frame *frame);
/* Of several CPUs: tells the program which one it is on. E_FAULT: as rseq_interrupt(). */
MUST_CHECK enum err rseq_moved(void);
/* exec: ends the registration. */
void rseq_exec(void);
