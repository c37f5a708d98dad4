/* SPDX-License-Identifier: MIT */
#include "linux/fs_bridge.h"

#include "fs/hooks.h"
#include "kern/thread.h"
#include "linux/process.h"
#include "linux/signal.h"
#include "linux/sys_process.h"
#include "mm/fault.h"

/* Threads of the kernel work for the first process. */
static struct process *process_of_caller(void)
{
    struct linux_thread *lt = linux_current();
    return lt != NULL ? lt->process : process_first();
}

static void raise(int signal)
{
    signal_raise(process_of_caller(), signal);
}

static uint64_t limit(unsigned resource)
{
    return resource < RLIMIT_COUNT ? process_of_caller()->rlimits[resource].soft : RLIM_INFINITY;
}

static void limits(unsigned resource, uint64_t *soft, uint64_t *hard)
{
    *soft = *hard = RLIM_INFINITY;
    if (resource < RLIMIT_COUNT) {
        *soft = process_of_caller()->rlimits[resource].soft;
        *hard = process_of_caller()->rlimits[resource].hard;
    }
}

static void describe_ids(const struct ids *ids, uint32_t out[4])
{
    out[0] = ids->real;
    out[1] = ids->effective;
    out[2] = ids->saved;
    out[3] = ids->fs;
}

static struct linux_thread *own_thread(uint32_t tid)
{
    struct process *process = process_current();
    struct linux_thread *lt = tid == 0 ? process->leader : linux_thread_find((int)tid);
    return lt != NULL && lt->process == process ? lt : NULL;
}

static bool describe_thread(uint32_t tid, struct fs_process *out)
{
    struct linux_thread *lt = own_thread(tid);
    if (lt == NULL)
        return false;
    const struct process *process = lt->process;
    const struct thread *thread = lt->thread;
    *out = (struct fs_process){
        .pid = (uint32_t)process->pid,
        .process_group = (uint32_t)process->pgid,
        .session = (uint32_t)process->sid,
        .threads = process->thread_count,
        .tid = (uint32_t)lt->tid,
        .state = thread == NULL                   ? 'Z'
                 : thread->state == THREAD_ASLEEP ? 'S'
                                                  : 'R',
        .name = thread != NULL ? thread->name : "",
        .arguments = process->program->arguments,
        .environment = process->program->environment,
        .auxv = process->program->auxv,
        .auxv_size = process->program->auxv_words * sizeof process->program->auxv[0],
        .stack_start = process->program->stack,
        .image_start = process->program->image.start,
        .image_end = process->program->image.end,
        .start_ns = process->start_ns,
        .user_ns = tid == 0         ? process_cpu_ns(process)
                   : thread != NULL ? thread_cpu_ns(thread)
                                    : 0,
        .page_faults = fault_counters.zero + fault_counters.anonymous + fault_counters.copied +
                       fault_counters.file,
        .signals_pending = lt->pending.set | process->pending.set,
        .signals_blocked = lt->blocked,
    };
    signal_dispositions(&out->signals_ignored, &out->signals_caught);
    describe_ids(&process->uid, out->uid);
    describe_ids(&process->gid, out->gid);
    return true;
}

static uint32_t next_thread(uint32_t tid)
{
    const struct process *process = process_current();
    uint32_t least = UINT32_MAX;
    list_for_each (it, &process->threads) {
        uint32_t other = (uint32_t)CONTAINER_OF(it, struct linux_thread, link)->tid;
        if (other > tid && other < least)
            least = other;
    }
    uint32_t leader = (uint32_t)process->pid; /* listed even when it has ended */
    if (leader > tid && leader < least)
        least = leader;
    return least != UINT32_MAX ? least : 0;
}

static void rename_thread(uint32_t tid, const char *name, size_t length)
{
    struct linux_thread *lt = own_thread(tid);
    if (lt != NULL && lt->thread != NULL)
        process_rename(lt->thread, name, length);
}

static void credentials(bool effective, struct fs_credentials *out)
{
    const struct process *process = process_of_caller();
    *out = (struct fs_credentials){
        .pid = process->pid,
        .uid = effective ? process->uid.effective : process->uid.real,
        .gid = effective ? process->gid.effective : process->gid.real,
    };
}

void fs_bridge_init(void)
{
    fs_hooks.credentials = credentials;
    fs_hooks.raise = raise;
    fs_hooks.limit = limit;
    fs_hooks.limits = limits;
    fs_hooks.describe_thread = describe_thread;
    fs_hooks.next_thread = next_thread;
    fs_hooks.rename = rename_thread;
}
