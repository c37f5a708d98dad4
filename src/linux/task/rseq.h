/* SPDX-License-Identifier: MIT */
/*
 * Restartable sequences, rseq(2): a few instructions of the program that must not be interrupted
 * half way on their CPU. Whoever interrupts them sends the program to the sequence's abort handler.
 *
 * Who comes between is a signal's handler (signal_deliver.c asks here before it builds a frame) or
 * another thread (exceptions.c asks after a preemption).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "linux/abi/call.h"

enum err sys_rseq(struct syscall *call);

/* The frame is about to be interrupted: leaves the sequence it is in, if any. E_FAULT, E_INVAL: the
 * program's description of it is wrong, for which Linux sends SIGSEGV. */
MUST_CHECK enum err rseq_interrupt(struct trap_frame *frame);
/* exec: the registration ends. */
void rseq_exec(void);
