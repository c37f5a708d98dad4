/* SPDX-License-Identifier: MIT */
/*
 * The fault report: gathers the facts of a fault of the program or the kernel and prints them
 * (docs/diagnostics.md). diag/text.h makes the text.
 *
 * The report runs on its own stack with interrupts off, allocates nothing, takes no lock, and reads
 * memory only where a walk of the page tables finds a mapping. A fault in one part of the report
 * ends that part only.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/lock_class.h"
#include "cpu/trap_frame.h"
#include "diag/text.h"
#include "kern/watchdog.h"

#include <stdbool.h>

struct thread;

struct report_subject {
    const struct trap_frame *frame; /* registers at the fault */
    const struct thread *thread;    /* the thread that failed; NULL: the current one */
    bool trapped;       /* by the vector in the frame; false: a call of panic() or abort() */
    bool panic;         /* a fault of the kernel */
    const char *reason; /* panic: in words; NULL */
    enum fault_cause cause;
    const char *signal; /* of the program: name and number */
    int signal_number, code;
    const char *code_name; /* of `code`; NULL: none */
    bool has_address;      /* page faults: `address` is CR2 */
    virt_t address;
    bool past_file, out_of_memory; /* page faults: why it was not resolved */
};

/* Prints the whole report. Callers: any. Returns; the caller ends the program or the machine. */
void report_fault(const struct report_subject *subject);
/* True if an interrupt ended the `hlt` before rip, in which the program waited (parse/x86_halt.h). The code is searched
 * once for each rip, for at most 2,000,000 instructions; then O(1). Callers: threads, interrupts on. */
bool report_came_from_halt(uint64_t rip, uint64_t rflags) REQUIRES(kernel_lock);
/* Prints the trace of a thread that does not run; `frame` holds its registers of the program, which is in `space` (NULL: a
 * kernel thread). In a report: must precede report_trace(). Callers: any. */
/* For several CPUs: what each of the others was in when cpus_stop() stopped it. */
void report_cpus(void);
void report_thread_trace(const struct trap_frame *frame, struct address_space *space);
/* Reads memory of the kernel or the program without faults. False: it is not all there. Callers: any. */
bool report_read(uint64_t at, void *to, size_t size);
/* "main+0x8 [hello]"; false, with "" written: no name is known. Not reentrant: must not run while
 * another report runs. */
bool report_place(uint64_t at, char *to, size_t size);
/* Handles a trap inside a running report: prints a line and continues with the next part. Does
 * not return. */
void report_recover(const struct trap_frame *frame);

/* Defined above. No locks, no heap. */

/* Writes a line about the n-th newest system call of the current thread; false if there is none
 * (linux/fault/crash.c). */
bool report_call_line(unsigned n, char *to, size_t size);
/* Writes the addresses of the connection that the current thread received from last; false: none in its last system calls
 * (linux/fault/connection.c). */
bool report_connection_line(char *to, size_t size);
/* The name of a system call, or NULL (linux/fault/crash.c). */
const char *report_call_name(unsigned number);
/* Writes line n about the use of memory, for reports of a shortage. Line 0 gathers the data and
 * sums up the use of all memory; the next are the program's largest areas, largest first, then, if there are several, the
 * processes. False after the last line (linux/fault/memory_usage.c). */
bool report_usage_line(unsigned n, char *to, size_t size);
/* The pid of the thread's process, 0 for process 1 and threads of the kernel; *parent: its parent's
 * (linux/fault/crash.c). */
int report_process(const struct thread *thread, int *parent);
/* Describes a thread in a line ("of process 1, asleep in futex(...)"). False if it is not a program's thread or,
 * unless `all_processes`, not of the current process (linux/fault/thread_dump.c). */
bool report_thread_line(const struct thread *thread, bool all_processes, char *to, size_t size);
