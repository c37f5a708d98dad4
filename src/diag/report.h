/* SPDX-License-Identifier: MIT */
/*
 * The fault report: gathers the facts of a fault of the program or the kernel and prints them
 * (docs/diagnostics.md shows what comes out). diag/text.h has the words.
 *
 * It runs on a stack of its own with interrupts off, allocates nothing, takes no lock, and reads
 * memory only where a walk of the page tables says that something is mapped. Each part is called so
 * that a fault in it costs that part alone.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "cpu/trap_frame.h"
#include "diag/text.h"
#include "kern/watchdog.h"

#include <stdbool.h>

struct thread;

struct report_subject {
    const struct trap_frame *frame; /* registers of whoever failed */
    const struct thread *thread;    /* who that is; NULL: the current one */
    bool trapped;       /* by the vector in the frame; else by a call of panic() or abort() */
    bool panic;         /* the kernel's own fault */
    const char *reason; /* panic: in words; NULL */
    enum fault_cause cause;
    const char *signal; /* of the program: its name and number */
    int signal_number, code;
    bool has_address; /* page faults: what CR2 said */
    virt_t address;
    bool past_file, out_of_memory; /* page faults: why none was resolved */
};

/* Prints the whole report. Callers: any. Returns; the caller ends the program or the machine. */
void report_fault(const struct report_subject *subject);
/* Was the program waiting in the `hlt` before rip until it was interrupted there (parse/x86_halt.h)?
 * Callers: any. */
bool report_came_from_halt(uint64_t rip, uint64_t rflags);
/* The trace of one who is not running: `frame` holds the registers with which it would go back to the
 * program. Within a report: before the report's own. Callers: any. */
void report_thread_trace(const struct trap_frame *frame);
/* "main+0x8 [hello]"; false, with "" written: no name is known. Not beside a report. */
bool report_place(uint64_t at, char *to, size_t size);
/* A trap came while a report ran: says so in a line and goes on with the next part. Does not return
 * when the report goes on. */
void report_recover(const struct trap_frame *frame);

/* Defined above. No locks, no heap. */

/* Writes the line of the n-th newest system call of the current thread; false when there are no more
 * (linux/fault/crash.c). */
bool report_call_line(unsigned n, char *to, size_t size);
/* The name of a system call, NULL for none (linux/fault/crash.c). */
const char *report_call_name(unsigned number);
/* Line n of what has the memory, when there is none left. Line 0 works the answer out: all memory by what it is for,
 * then the areas of the program that have a share worth a line, most first. False when there are no more
 * (linux/fault/memory_usage.c). */
bool report_usage_line(unsigned n, char *to, size_t size);
/* What a thread is and does, in a line ("of process 1, asleep in futex(...)"); false: it is no thread of a
 * program, or, unless `everybody`, not of the current one's process (linux/fault/thread_dump.c). */
bool report_thread_line(const struct thread *thread, bool everybody, char *to, size_t size);
