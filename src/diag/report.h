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

/* What the machine was booted with, for the report to show; the string stays. Boot only. */
void report_set_command_line(const char *line);

/* For linux/: writes the line of the n-th newest system call of the current thread; false when
 * there are no more. Boot only. */
typedef bool (*report_call_line)(unsigned n, char *to, size_t size);
void report_set_calls(report_call_line calls);
/* For linux/: the n-th line of who has the memory, when there is none left. Boot only. */
typedef bool (*report_usage_line)(unsigned n, char *to, size_t size);
void report_set_usage(report_usage_line usage);
/* For linux/: the name of a system call, NULL for none. Boot only. */
typedef const char *(*report_call_name)(unsigned number);
void report_set_call_names(report_call_name names);
/* For linux/: what a thread is and does, in a line ("of process 1, in futex(...)"); false: it is no
 * thread of a program, or, unless `everybody`, not of the current one's process. Boot only. */
typedef bool (*report_thread_line)(const struct thread *thread, bool everybody, char *to,
                                   size_t size);
void report_set_thread_lines(report_thread_line lines);
