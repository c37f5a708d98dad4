/* SPDX-License-Identifier: MIT */
#include "linux/process/sys_limits.h"

#include "kern/thread.h"
#include "linux/abi/time.h"
#include "linux/memory/range.h"
#include "linux/task/rights.h"
#include "linux/task/process.h"
#include "linux/task/settings.h"
#include "mm/vm/usercopy.h"

static enum err set_limit(struct process *process, uint32_t resource, const struct rlimit *to)
{
    struct rlimit *limit = &process->rlimits[resource];
    if (to->soft > to->hard)
        return E_INVAL;
    if (resource == RLIMIT_NOFILE && to->hard > nr_open)
        return E_PERM;
    if (to->hard > limit->hard && !capable(CAP_SYS_RESOURCE))
        return E_PERM;
    uint64_t irq = signal_lock(); /* the timer of RLIMIT_CPU reads and writes it */
    *limit = *to;
    signal_unlock(irq);
    if (resource == RLIMIT_CPU)
        timers_limit_cpu(process);
    return E_OK;
}

enum err sys_getrlimit(struct syscall *call)
{
    uint32_t resource = (uint32_t)call->arg[0];
    if (resource >= RLIMIT_COUNT)
        return E_INVAL;
    return copy_out(virt(call->arg[1]), &process_current()->rlimits[resource],
                    sizeof(struct rlimit));
}

enum err sys_setrlimit(struct syscall *call)
{
    struct rlimit to;
    enum err e = copy_in(&to, virt(call->arg[1]), sizeof to);
    if (e != E_OK)
        return e;
    uint32_t resource = (uint32_t)call->arg[0];
    return resource < RLIMIT_COUNT ? set_limit(process_current(), resource, &to) : E_INVAL;
}

enum err sys_prlimit64(struct syscall *call)
{
    uint32_t resource = (uint32_t)call->arg[1];
    struct rlimit to, old;
    if (call->arg[2] != 0) {
        enum err e = copy_in(&to, virt(call->arg[2]), sizeof to);
        if (e != E_OK)
            return e;
    }
    const struct linux_thread *lt = linux_thread_by_tid((int)call->arg[0]);
    if (lt == NULL)
        return E_SRCH;
    if (lt != linux_current() && !rights_may_limit(credentials_current(), lt->credentials))
        return E_PERM;
    struct process *process = lt->process;
    if (resource >= RLIMIT_COUNT)
        return E_INVAL;
    old = process->rlimits[resource];
    if (call->arg[2] != 0) {
        enum err e = set_limit(process, resource, &to);
        if (e != E_OK)
            return e;
    }
    return call->arg[3] != 0 ? copy_out(virt(call->arg[3]), &old, sizeof old) : E_OK;
}

#define RUSAGE_SELF     0
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD   1
#define RUSAGE_BLOCK    512

_Static_assert(sizeof(struct rusage) == 144, "linux/resource.h");

struct rusage rusage_of(const struct usage *usage)
{
    return (struct rusage){.user = timeval_of_ns(usage->user_ns),
                           .system = timeval_of_ns(usage->system_ns),
                           .minor_faults = usage->faults[0],
                           .major_faults = usage->faults[1],
                           .blocks_in = usage->moved.stored[0] / RUSAGE_BLOCK,
                           .blocks_out = usage->moved.stored[1] / RUSAGE_BLOCK,
                           .voluntary = usage->switches[1],
                           .involuntary = usage->switches[0]};
}

enum err sys_getrusage(struct syscall *call)
{
    struct usage usage;
    switch ((int)call->arg[0]) {
    case RUSAGE_THREAD:
        usage_of_thread(linux_current(), &usage);
        break;
    case RUSAGE_SELF:
        usage_of_process(process_current(), &usage);
        break;
    case RUSAGE_CHILDREN:
        usage = process_current()->children_usage;
        break;
    default:
        return E_INVAL;
    }
    struct rusage out = rusage_of(&usage);
    if ((int)call->arg[0] != RUSAGE_CHILDREN)
        out.max_resident_kib =
            areas_peak_pages(&process_current()->program->areas) * (PAGE_SIZE / 1024);
    return copy_out(virt(call->arg[1]), &out, sizeof out);
}
