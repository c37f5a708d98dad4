/* SPDX-License-Identifier: MIT */
#include "linux/deadlock.h"

#include "kern/console.h"
#include "kern/console_frame.h"
#include "kern/log.h"
#include "kern/machine.h"
#include "kern/sync.h"
#include "kern/thread.h"
#include "linux/process.h"
#include "linux/sys_signal.h"
#include "linux/thread_dump.h"

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
    thread_dump(false);
    report("==== end of the report; version %s", OURO_VERSION);
    machine_exit(STATUS_DEADLOCK);
}

void deadlock_watch(unsigned seconds)
{
    limit_seconds = seconds;
    thread_watch_idle(seconds * NS_PER_SECOND, stuck);
}
