/* SPDX-License-Identifier: MIT */
#include "linux/fault/deadlock.h"

#include "base/fmt.h"
#include "diag/report.h"
#include "kern/console.h"
#include "kern/console_frame.h"
#include "kern/machine.h"
#include "kern/thread.h"
#include "kern/wait.h"
#include "linux/process/sys_signal.h"
#include "mm/pt/paging.h"

#define STATUS_DEADLOCK 124 /* as timeout(1) */

static unsigned limit_seconds;

/* Without the lock: interrupts are off, and nothing runs. */
static void count_waiting_for_threads(struct thread *thread, void *context) NO_LOCK_ANALYSIS
{
    const struct wait_queue *queue = thread->waits_on;
    bool *hope = context;
    if (thread->linux_thread == NULL)
        return;
    bool signal =
        queue == signal_sleepers(); /* the host's end of a framed console sends no signals */
    if (thread->state != THREAD_ASLEEP || queue->outside || (signal && !console_is_framed()))
        *hope = true;
}

static void find_first(struct thread *thread, void *context)
{
    struct thread **first = context;
    if (*first == NULL && thread->linux_thread != NULL)
        *first = thread;
}

void threads_stuck(void)
{
    bool hope = false;
    char words[100];
    thread_visit(count_waiting_for_threads, &hope);
    if (hope)
        return;
    struct thread *first = NULL;
    thread_visit(find_first, &first);
    if (first == NULL)
        return;
    paging_run(first->space); /* the report shows this thread's stack */
    fmt_snprintf(words, sizeof words,
                 "every thread has slept for %u s, and nothing is left that could wake one",
                 limit_seconds);
    const struct report_subject subject = {
        .frame = (const struct trap_frame *)ptr_of(first->kstack.end) - 1,
        .thread = first,
        .reason = words,
        .cause = FAULT_BY_DEADLOCK,
    };
    static bool told;
    if (!told)
        report_fault(&subject);
    told = true;
    if (!machine_ends_later(STATUS_DEADLOCK))
        machine_exit(STATUS_DEADLOCK);
}

void deadlock_watch(unsigned seconds)
{
    limit_seconds = seconds;
    thread_watch_idle(seconds * NS_PER_SECOND);
}
