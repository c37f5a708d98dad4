/* SPDX-License-Identifier: MIT */
/*
 * What threads and processes used: getrusage(2), times(2). CPU time is exact; it is divided into the program's
 * and the kernel's in proportion to the ticks that found the thread in either (thread_tick()), as
 * Linux does without CONFIG_VIRT_CPU_ACCOUNTING_GEN. Without a tick all of it is the program's. Neither
 * part ever decreases.
 */
#pragma once

#include "cpu/lock.h"
#include "kern/thread.h"

#include <stdint.h>

struct linux_thread;
struct process;

struct usage {
    uint64_t user_ns, system_ns;
    uint64_t switches[2]; /* involuntary, voluntary */
    uint64_t faults[2];   /* minor, major */
    struct io_counts moved;
};

/* What was counted of threads that have ended. */
struct usage_counts {
    uint64_t cpu_ns, ticks[2], switches[2], faults[2];
    struct io_counts moved;
};
/* The parts as they were last shown. */
struct usage_shown {
    uint64_t user_ns, system_ns;
};

void usage_of_thread(struct linux_thread *lt, struct usage *out);
/* All threads, ended ones too. O(threads). */
void usage_of_process(struct process *process, struct usage *out);
void usage_of_process_locked(struct process *process, struct usage *out) REQUIRES(class_signal);
/* The process and the children it has waited for. */
void usage_of_family(struct process *process, struct usage *out);
/* Adds the thread, which ends, to those of its process that have ended. */
void usage_thread_ends(struct linux_thread *lt);
void usage_add(struct usage *to, const struct usage *more);
void usage_add_moved(struct io_counts *to, const struct io_counts *more);
