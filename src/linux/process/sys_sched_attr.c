/* SPDX-License-Identifier: MIT */
/* sched_setattr(2), sched_getattr(2). SCHED_DEADLINE is refused, and so is clamping of utilisation, as by
 * a Linux without CONFIG_UCLAMP_TASK. */
#include "kern/run_queue.h"
#include "linux/process/sys_sched.h"
#include "linux/task/process.h"
#include "linux/task/scheduling.h"
#include "mm/vm/usercopy.h"

struct sched_attr { /* linux/sched/types.h */
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
};

#define ATTR_SIZE_FIRST  48 /* without the utilisation */
#define FLAG_RESET       0x01u
#define FLAG_KEEP_POLICY 0x08u
#define FLAG_KEEP_PARAMS 0x10u
#define FLAG_UTILISATION 0x60u
#define FLAGS_KNOWN      0x7fu

_Static_assert(sizeof(struct sched_attr) == 56, "SCHED_ATTR_SIZE_VER1");

static enum err attr_find(const struct syscall *call, struct linux_thread **out)
{
    if (call->arg[1] == 0 || (int)call->arg[0] < 0)
        return E_INVAL;
    *out = linux_thread_by_tid((int)call->arg[0]);
    return *out != NULL ? E_OK : E_SRCH;
}

/* E_2BIG, with the size known here stored into the structure: it is longer, and not 0 there. */
static enum err attr_copy_in(virt_t from, struct sched_attr *out)
{
    uint32_t size, known = sizeof *out;
    *out = (struct sched_attr){0};
    enum err e = copy_in(&size, from, sizeof size);
    if (e != E_OK)
        return e;
    if (size == 0)
        size = ATTR_SIZE_FIRST;
    bool fits = size >= ATTR_SIZE_FIRST && size <= PAGE_SIZE;
    for (uint32_t at = known; e == E_OK && fits && at < size; at++) {
        uint8_t byte;
        e = copy_in(&byte, virt(from.v + at), 1);
        fits = e != E_OK || byte == 0;
    }
    if (!fits)
        return copy_out(from, &known, sizeof known) == E_OK ? E_2BIG : E_FAULT;
    if (e == E_OK)
        e = copy_in(out, from, size < known ? size : known);
    if (e == E_OK && (out->flags & FLAG_UTILISATION) && size < known)
        e = E_INVAL;
    return e;
}

static enum err attr_apply(struct linux_thread *lt, const struct sched_attr *a)
{
    struct scheduling *s = &lt->scheduling;
    bool keep = a->flags & FLAG_KEEP_PARAMS;
    int policy = a->flags & FLAG_KEEP_POLICY ? s->policy : (int)a->policy;
    bool realtime = sched_is_realtime(policy);
    int priority = keep ? s->priority : (int)a->priority, nice = keep ? s->nice : a->nice;
    nice = nice < NICE_MIN ? NICE_MIN : nice > NICE_MAX ? NICE_MAX : nice;
    if (!realtime && policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE)
        return E_INVAL;
    if (a->flags & ~(uint64_t)FLAGS_KNOWN || priority < 0 || priority > RUN_PRIORITY_MAX ||
        realtime != (priority != 0))
        return E_INVAL;
    if (a->flags & FLAG_UTILISATION)
        return E_NOTSUP;
    if (!sched_may_set(lt, policy, priority, realtime ? s->nice : nice, a->flags & FLAG_RESET))
        return E_PERM;
    s->policy = policy;
    s->priority = priority;
    if (!realtime)
        s->nice = nice;
    s->reset_on_fork = a->flags & FLAG_RESET;
    sched_apply(lt);
    thread_lend_priority(lt);
    return E_OK;
}

enum err sys_sched_setattr(struct syscall *call)
{
    struct sched_attr attr;
    struct linux_thread *lt;
    if (call->arg[1] == 0 || (int)call->arg[0] < 0 || (uint32_t)call->arg[2] != 0)
        return E_INVAL;
    enum err e = attr_copy_in(virt(call->arg[1]), &attr);
    if (e == E_OK && (int32_t)attr.policy < 0)
        e = E_INVAL;
    if (e == E_OK)
        e = attr_find(call, &lt);
    return e == E_OK ? attr_apply(lt, &attr) : e;
}

enum err sys_sched_getattr(struct syscall *call)
{
    struct linux_thread *lt;
    uint32_t size = (uint32_t)call->arg[2];
    if (call->arg[1] == 0 || (int)call->arg[0] < 0 || size < ATTR_SIZE_FIRST || size > PAGE_SIZE ||
        (uint32_t)call->arg[3] != 0)
        return E_INVAL;
    enum err e = attr_find(call, &lt);
    if (e != E_OK)
        return e;
    const struct scheduling *s = &lt->scheduling;
    struct sched_attr attr = {.size = size < sizeof attr ? size : sizeof attr,
                              .policy = (uint32_t)s->policy,
                              .flags = s->reset_on_fork ? FLAG_RESET : 0};
    if (sched_is_realtime(s->policy))
        attr.priority = (uint32_t)s->priority;
    else
        attr.nice = s->nice;
    return copy_out(virt(call->arg[1]), &attr, attr.size);
}
