/* SPDX-License-Identifier: MIT */
#include "linux/process/sys_sched.h"

#include "base/compiler.h"
#include "kern/thread.h"
#include "linux/abi/time.h"
#include "linux/task/rights.h"
#include "linux/task/process.h"
#include "linux/task/scheduling.h"
#include "mm/vm/usercopy.h"

/* The thread of a sched_*() call; 0 means the caller. E_INVAL, E_SRCH. */
static MUST_CHECK enum err sched_find(uint64_t pid, struct linux_thread **out)
{
    if ((int)pid < 0)
        return E_INVAL;
    *out = linux_thread_by_tid((int)pid);
    return *out != NULL ? E_OK : E_SRCH;
}

enum err sys_sched_yield(struct syscall *call)
{
    (void)call;
    kernel_lock_assert_any();
    thread_yield();
    return E_OK;
}

/* True if `nice` is within RLIMIT_NICE, which counts from 20 downwards as 20 - nice. */
static bool may_be_nice(const struct linux_thread *lt, int nice)
{
    return (uint64_t)(20 - nice) <= lt->process->rlimits[RLIMIT_NICE].soft;
}

/* What a thread may set without CAP_SYS_NICE (sched(7)). */
static bool is_free_to_set(const struct linux_thread *lt, int policy, int priority, int nice,
                           bool reset)
{
    const struct scheduling *now = &lt->scheduling;
    uint64_t limit = lt->process->rlimits[RLIMIT_RTPRIO].soft;
    if (sched_is_realtime(policy) && ((policy != now->policy && limit == 0) ||
                                      (priority > now->priority && (uint64_t)priority > limit)))
        return false;
    if (now->policy == SCHED_IDLE && policy != SCHED_IDLE && !may_be_nice(lt, now->nice))
        return false;
    if (nice < now->nice && !may_be_nice(lt, nice))
        return false;
    return rights_may_schedule(credentials_current(), lt->credentials) &&
           !(now->reset_on_fork && !reset);
}

bool sched_may_set(const struct linux_thread *lt, int policy, int priority, int nice, bool reset)
{
    return (is_free_to_set(lt, policy, priority, nice, reset) || capable(CAP_SYS_NICE)) &&
           rights_covers(credentials_current(), lt->credentials);
}

static enum err sched_set(struct linux_thread *lt, int policy, virt_t from)
{
    int priority;
    enum err e = copy_in(&priority, from, sizeof priority);
    if (e != E_OK)
        return e;
    bool reset = policy & SCHED_RESET_ON_FORK;
    policy &= ~SCHED_RESET_ON_FORK;
    if (!sched_is_realtime(policy) && policy != SCHED_OTHER && policy != SCHED_BATCH &&
        policy != SCHED_IDLE)
        return E_INVAL;
    int least = sched_is_realtime(policy) ? 1 : 0,
        most = sched_is_realtime(policy) ? RUN_PRIORITY_MAX : 0;
    if (priority < least || priority > most)
        return E_INVAL;
    if (!sched_may_set(lt, policy, priority, lt->scheduling.nice, reset))
        return E_PERM;
    lt->scheduling.policy = policy;
    lt->scheduling.priority = priority;
    lt->scheduling.reset_on_fork = reset;
    sched_apply(lt);
    thread_lend_priority(lt);
    return E_OK;
}

enum err sys_sched_setparam(struct syscall *call)
{
    struct linux_thread *lt;
    if (call->arg[1] == 0)
        return E_INVAL;
    enum err e = sched_find(call->arg[0], &lt);
    if (e != E_OK)
        return e;
    int policy = lt->scheduling.policy | (lt->scheduling.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
    return sched_set(lt, policy, virt(call->arg[1]));
}

enum err sys_sched_getparam(struct syscall *call)
{
    struct linux_thread *lt;
    if (call->arg[1] == 0)
        return E_INVAL;
    enum err e = sched_find(call->arg[0], &lt);
    if (e != E_OK)
        return e;
    return copy_out_now(virt(call->arg[1]), &lt->scheduling.priority,
                        sizeof lt->scheduling.priority);
}

enum err sys_sched_setscheduler(struct syscall *call)
{
    struct linux_thread *lt;
    if ((int)call->arg[1] < 0 || call->arg[2] == 0)
        return E_INVAL;
    enum err e = sched_find(call->arg[0], &lt);
    return e == E_OK ? sched_set(lt, (int)call->arg[1], virt(call->arg[2])) : e;
}

enum err sys_sched_getscheduler(struct syscall *call)
{
    struct linux_thread *lt;
    enum err e = sched_find(call->arg[0], &lt);
    if (e == E_OK)
        call->result = (uint64_t)(lt->scheduling.policy |
                                  (lt->scheduling.reset_on_fork ? SCHED_RESET_ON_FORK : 0));
    return e;
}

static enum err priority_limit(struct syscall *call, uint64_t realtime)
{
    switch ((int)call->arg[0]) {
    case SCHED_FIFO:
    case SCHED_RR:
        call->result = realtime;
        return E_OK;
    case SCHED_OTHER:
    case SCHED_BATCH:
    case SCHED_IDLE:
    case SCHED_DEADLINE:
        return E_OK;
    default:
        return E_INVAL;
    }
}

enum err sys_sched_get_priority_max(struct syscall *call)
{
    return priority_limit(call, 99);
}

enum err sys_sched_get_priority_min(struct syscall *call)
{
    return priority_limit(call, 1);
}

enum err sys_sched_rr_get_interval(struct syscall *call)
{
    struct linux_thread *lt;
    enum err e = sched_find(call->arg[0], &lt);
    if (e != E_OK)
        return e;
    return timespec_copy_out(virt(call->arg[1]),
                             lt->scheduling.policy == SCHED_FIFO ? 0 : RUN_SLICE_NS);
}

enum err sys_sched_setaffinity(struct syscall *call)
{
    uint64_t cpus = 0;
    uint32_t size = (uint32_t)call->arg[1], most = SEVERAL_CPUS ? sizeof cpus : 1;
    enum err e = copy_in(&cpus, virt(call->arg[2]), size < most ? size : most);
    if (e != E_OK)
        return e;
    const struct linux_thread *lt = linux_thread_by_tid((int)call->arg[0]);
    if (lt == NULL)
        return E_SRCH;
    if (!rights_may_schedule(credentials_current(), lt->credentials) ||
        !rights_covers(credentials_current(), lt->credentials))
        return E_PERM;
    if ((cpus & cpus_all()) == 0)
        return E_INVAL;
    if (SEVERAL_CPUS && lt->thread != NULL)
        thread_set_allowed(lt->thread, cpus);
    return E_OK;
}

enum err sys_sched_getaffinity(struct syscall *call)
{
    uint64_t mask = cpus_all();
    const struct linux_thread *lt = linux_thread_by_tid((int)call->arg[0]);
    if ((uint32_t)call->arg[1] < sizeof mask || call->arg[1] % sizeof mask != 0)
        return E_INVAL;
    if (lt == NULL)
        return E_SRCH;
    if (SEVERAL_CPUS && lt->thread != NULL)
        mask = thread_allowed(lt->thread);
    call->result = sizeof mask;
    return copy_out(virt(call->arg[2]), &mask, sizeof mask);
}

enum err sys_getcpu(struct syscall *call)
{
    uint32_t zero = 0, cpu = cpu_index();
    enum err first = E_OK, second = E_OK; /* both are tried */
    if (call->arg[0] != 0)
        first = copy_out(virt(call->arg[0]), &cpu, sizeof cpu);
    if (call->arg[1] != 0)
        second = copy_out(virt(call->arg[1]), &zero, sizeof zero);
    return first != E_OK ? first : second;
}

enum {
    PRIO_PROCESS,
    PRIO_PGRP,
    PRIO_USER,
};

/* Calls visit() for each thread selected by `which` and `who` (getpriority(2), ioprio_get(2)).
 * E_SRCH if there is none. */
static enum err visit_who(int which, int who, enum err (*visit)(struct linux_thread *, int *),
                          int *value)
{
    enum err answer = E_SRCH;
    if (which == PRIO_PROCESS) {
        struct linux_thread *lt = linux_thread_by_tid(who);
        return lt != NULL ? visit(lt, value) : E_SRCH;
    }
    uint32_t wanted = who != 0             ? (uint32_t)who
                      : which == PRIO_PGRP ? (uint32_t)process_current()->pgid
                                           : credentials_current()->uid.real;
    for (struct process *p = process_first(); p != NULL; p = process_next(p)) {
        list_for_each (it, &p->threads) {
            struct linux_thread *lt = CONTAINER_OF(it, struct linux_thread, link);
            if ((which == PRIO_PGRP ? (uint32_t)p->pgid : lt->credentials->uid.real) != wanted)
                continue;
            enum err e = visit(lt, value);
            if (answer == E_SRCH || e != E_OK)
                answer = e;
        }
    }
    return answer;
}

static enum err get_nice(struct linux_thread *lt, int *value)
{
    if (20 - lt->scheduling.nice > *value)
        *value =
            20 - lt->scheduling
                     .nice; /* 20 - nice as in Linux, because a negative result means an error */
    return E_OK;
}

static enum err set_nice(struct linux_thread *lt, int *value)
{
    if (!rights_may_schedule(credentials_current(), lt->credentials))
        return E_PERM;
    if (*value < lt->scheduling.nice && !may_be_nice(lt, *value) && !capable(CAP_SYS_NICE))
        return E_ACCES;
    if (!rights_covers(credentials_current(), lt->credentials))
        return E_PERM;
    lt->scheduling.nice = *value;
    sched_apply(lt);
    return E_OK;
}

enum err sys_getpriority(struct syscall *call)
{
    int which = (int)call->arg[0], best = 0;
    if (which < PRIO_PROCESS || which > PRIO_USER)
        return E_INVAL;
    enum err e = visit_who(which, (int)call->arg[1], get_nice, &best);
    call->result = (uint64_t)best;
    return e;
}

enum err sys_setpriority(struct syscall *call)
{
    int which = (int)call->arg[0], nice = (int)call->arg[2];
    if (which < PRIO_PROCESS || which > PRIO_USER)
        return E_INVAL;
    if (nice < NICE_MIN)
        nice = NICE_MIN;
    if (nice > NICE_MAX)
        nice = NICE_MAX;
    return visit_who(which, (int)call->arg[1], set_nice, &nice);
}

#define IOPRIO_WHO_PROCESS 1 /* PRIO_* plus 1 */
#define IOPRIO_WHO_USER    3
#define IOPRIO_CLASS_SHIFT 13
#define IOPRIO_CLASS_RT    1
#define IOPRIO_CLASS_IDLE  3
#define IOPRIO_LEVELS      8

static enum err get_io_priority(struct linux_thread *lt, int *value)
{
    *value = lt->scheduling.io_priority;
    return E_OK;
}

static enum err set_io_priority(struct linux_thread *lt, int *value)
{
    if (!rights_may_set_io(credentials_current(), lt->credentials) ||
        !rights_covers(credentials_current(), lt->credentials))
        return E_PERM;
    lt->scheduling.io_priority = *value;
    return E_OK;
}

static bool is_io_who(int which)
{
    return which >= IOPRIO_WHO_PROCESS && which <= IOPRIO_WHO_USER;
}

enum err sys_ioprio_get(struct syscall *call)
{
    int which = (int)call->arg[0], value = 0;
    if (!is_io_who(which))
        return E_INVAL;
    enum err e = visit_who(which - 1, (int)call->arg[1], get_io_priority, &value);
    call->result = (uint64_t)value;
    return e;
}

enum err sys_ioprio_set(struct syscall *call)
{
    int which = (int)call->arg[0], value = (int)call->arg[2];
    /* Between the class and the level there are hints. */
    int class = value >> IOPRIO_CLASS_SHIFT, level = value & (IOPRIO_LEVELS - 1);
    if (class == IOPRIO_CLASS_RT && !capable(CAP_SYS_NICE) && !capable(CAP_SYS_ADMIN))
        return E_PERM;
    if (class < 0 || class > IOPRIO_CLASS_IDLE || (class == 0 && level != 0))
        return E_INVAL;
    return is_io_who(which) ? visit_who(which - 1, (int)call->arg[1], set_io_priority, &value)
                            : E_INVAL;
}
