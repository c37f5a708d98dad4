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

static void describe(struct fs_process *out)
{
    const struct process *process = process_current();
    const struct linux_thread *lt = linux_current();
    *out = (struct fs_process){
        .pid = (uint32_t)process->pid,
        .process_group = (uint32_t)process->pgid,
        .session = (uint32_t)process->sid,
        .threads = process->thread_count,
        .name = lt->thread->name,
        .arguments = process->arguments,
        .environment = process->environment,
        .auxv = process->auxv,
        .auxv_size = process->auxv_words * sizeof process->auxv[0],
        .stack_start = process->stack,
        .image_start = process->image.start,
        .image_end = process->image.end,
        .start_ns = process->start_ns,
        .user_ns = process_cpu_ns(process),
        .page_faults = fault_counters.zero + fault_counters.anonymous + fault_counters.copied +
                       fault_counters.file,
        .signals_pending = signal_pending_set(),
        .signals_blocked = signal_blocked(),
    };
    signal_dispositions(&out->signals_ignored, &out->signals_caught);
    describe_ids(&process->uid, out->uid);
    describe_ids(&process->gid, out->gid);
}

void fs_bridge_init(void)
{
    fs_hooks.raise = raise;
    fs_hooks.limit = limit;
    fs_hooks.limits = limits;
    fs_hooks.describe = describe;
    fs_hooks.rename = process_rename;
}
