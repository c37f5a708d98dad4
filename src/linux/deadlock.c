/* SPDX-License-Identifier: MIT */
#include "linux/deadlock.h"

#include "kern/console.h"
#include "kern/console_frame.h"
#include "kern/log.h"
#include "kern/machine.h"
#include "kern/report.h"
#include "kern/sync.h"
#include "kern/thread.h"
#include "linux/process.h"
#include "linux/sys_signal.h"
#include "linux/syscall.h"

#define STATUS_DEADLOCK 124 /* as timeout(1) says it */

static unsigned limit_seconds;

static void count_those_who_wait_for_others(struct thread *thread, void *context)
{
    const struct wait_queue *queue = thread->waits_on;
    bool *hope = context;
    if (thread->linux_thread == NULL)
        return;
    bool signal = queue == signal_sleepers(); /* the host's end of a framed console sends none */
    if (thread->state != THREAD_ASLEEP || queue->outside || (signal && !console_is_framed()))
        *hope = true;
}

static void report_thread(struct thread *thread, void *context)
{
    const struct linux_thread *lt = thread->linux_thread;
    char text[160] = "no call";
    (void)context;
    if (lt == NULL)
        return;
    if (lt->history_next > 0)
        syscall_format(&lt->history[(lt->history_next - 1) % SYSCALL_HISTORY], text, sizeof text);
    report("  thread  %d of process %d, \"%s\", asleep in %s", lt->tid, lt->process->pid,
           thread->name, text);
    const struct trap_frame *frame = (const struct trap_frame *)ptr_of(thread->kstack.end) - 1;
    report_thread_trace(frame);
}

static void stuck(void)
{
    bool hope = false;
    thread_visit(count_those_who_wait_for_others, &hope);
    if (hope)
        return;
    report(
        "==== DEADLOCK: every thread of the program has slept for %u s, and nothing is left that "
        "could wake one (deadlock=SECONDS sets the time, 0 never)",
        limit_seconds);
    thread_visit(report_thread, NULL);
    report("==== end of the report; version %s", OURO_VERSION);
    machine_exit(STATUS_DEADLOCK);
}

void deadlock_watch(unsigned seconds)
{
    limit_seconds = seconds;
    thread_watch_idle(seconds * NS_PER_SECOND, stuck);
}
