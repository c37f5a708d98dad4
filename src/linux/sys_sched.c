/* SPDX-License-Identifier: MIT */
#include "linux/sys_sched.h"

#include "kern/thread.h"
#include "linux/abi_time.h"
#include "linux/process.h"
#include "mm/usercopy.h"

enum {
    SCHED_OTHER = 0,
    SCHED_FIFO = 1,
    SCHED_RR = 2,
    SCHED_BATCH = 3,
    SCHED_IDLE = 5,
    SCHED_DEADLINE = 6,
};

#define SCHED_RESET_ON_FORK 0x40000000
#define SLICE_NS            4000000
#define NICE_MIN            (-20)
#define NICE_MAX            19

static int policy = SCHED_OTHER;
static int priority; /* of SCHED_FIFO and SCHED_RR: 1 to 99 */
static int io_priority;

static enum err check_pid(uint64_t pid)
{
    if ((int)pid < 0)
        return E_INVAL;
    return (int)pid == 0 || (int)pid == PROCESS_PID ? E_OK : E_SRCH;
}

static bool is_realtime(int which)
{
    return which == SCHED_FIFO || which == SCHED_RR;
}

enum err sys_sched_yield(struct syscall *call)
{
    (void)call;
    thread_yield();
    return E_OK;
}

static enum err set(int new_policy, virt_t from)
{
    int new_priority;
    if (from.v == 0)
        return E_INVAL;
    enum err e = copy_in(&new_priority, from, sizeof new_priority);
    if (e != E_OK)
        return e;
    int least = is_realtime(new_policy) ? 1 : 0, most = is_realtime(new_policy) ? 99 : 0;
    if (new_priority < least || new_priority > most)
        return E_INVAL;
    if (is_realtime(new_policy) && !process_is_privileged())
        return E_PERM;
    policy = new_policy;
    priority = new_priority;
    return E_OK;
}

enum err sys_sched_setparam(struct syscall *call)
{
    if (call->arg[1] == 0)
        return E_INVAL;
    enum err e = check_pid(call->arg[0]);
    return e == E_OK ? set(policy, virt(call->arg[1])) : e;
}

enum err sys_sched_getparam(struct syscall *call)
{
    if (call->arg[1] == 0)
        return E_INVAL;
    enum err e = check_pid(call->arg[0]);
    return e == E_OK ? copy_out(virt(call->arg[1]), &priority, sizeof priority) : e;
}

enum err sys_sched_setscheduler(struct syscall *call)
{
    int wanted = (int)call->arg[1];
    if (wanted < 0 || call->arg[2] == 0)
        return E_INVAL;
    enum err e = check_pid(call->arg[0]);
    if (e != E_OK)
        return e;
    wanted &= ~SCHED_RESET_ON_FORK;
    if (!is_realtime(wanted) && wanted != SCHED_OTHER && wanted != SCHED_BATCH &&
        wanted != SCHED_IDLE)
        return E_INVAL;
    return set(wanted, virt(call->arg[2]));
}

enum err sys_sched_getscheduler(struct syscall *call)
{
    call->result = (uint64_t)policy;
    return check_pid(call->arg[0]);
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
    enum err e = check_pid(call->arg[0]);
    return e == E_OK ? timespec_copy_out(virt(call->arg[1]), SLICE_NS) : e;
}

enum err sys_sched_setaffinity(struct syscall *call)
{
    uint8_t first = 0;
    enum err e = E_OK;
    if ((uint32_t)call->arg[1] > 0)
        e = copy_in(&first, virt(call->arg[2]), sizeof first);
    if (e != E_OK)
        return e;
    if ((int)call->arg[0] != 0 && (int)call->arg[0] != PROCESS_PID)
        return E_SRCH;
    return first & 1 ? E_OK : E_INVAL;
}

enum err sys_sched_getaffinity(struct syscall *call)
{
    uint64_t mask = 1;
    if ((uint32_t)call->arg[1] < sizeof mask || call->arg[1] % sizeof mask != 0)
        return E_INVAL;
    if ((int)call->arg[0] != 0 && (int)call->arg[0] != PROCESS_PID)
        return E_SRCH;
    call->result = sizeof mask;
    return copy_out(virt(call->arg[2]), &mask, sizeof mask);
}

enum err sys_getcpu(struct syscall *call)
{
    uint32_t zero = 0;
    enum err e = E_OK;
    if (call->arg[0] != 0)
        e = copy_out(virt(call->arg[0]), &zero, sizeof zero);
    if (e == E_OK && call->arg[1] != 0)
        e = copy_out(virt(call->arg[1]), &zero, sizeof zero);
    return e;
}

enum {
    PRIO_PROCESS,
    PRIO_PGRP,
    PRIO_USER,
};

static enum err check_who(const struct syscall *call)
{
    uint32_t who = (uint32_t)call->arg[1];
    switch ((uint32_t)call->arg[0]) {
    case PRIO_PROCESS:
        return who == 0 || who == PROCESS_PID ? E_OK : E_SRCH;
    case PRIO_PGRP:
        return who == 0 || who == (uint32_t)process.pgid ? E_OK : E_SRCH;
    case PRIO_USER:
        return who == 0 || who == process.uid.real ? E_OK : E_SRCH;
    default:
        return E_INVAL;
    }
}

enum err sys_getpriority(struct syscall *call)
{
    call->result = (uint64_t)(20 - process.nice); /* never negative: that would be an error */
    return check_who(call);
}

enum err sys_setpriority(struct syscall *call)
{
    enum err e = check_who(call);
    int nice = (int)call->arg[2];
    if (e != E_OK)
        return e;
    if (nice < NICE_MIN)
        nice = NICE_MIN;
    if (nice > NICE_MAX)
        nice = NICE_MAX;
    if (nice < process.nice && !process_is_privileged())
        return E_ACCES;
    process.nice = nice;
    return E_OK;
}

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_WHO_USER    3
#define IOPRIO_CLASS_SHIFT 13
#define IOPRIO_CLASS_IDLE  3
#define IOPRIO_LEVELS      8

static enum err check_io_who(const struct syscall *call)
{
    int which = (int)call->arg[0], who = (int)call->arg[1];
    if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
        return E_INVAL;
    return who == 0 || who == PROCESS_PID ? E_OK : E_SRCH;
}

enum err sys_ioprio_get(struct syscall *call)
{
    call->result = (uint64_t)io_priority;
    return check_io_who(call);
}

enum err sys_ioprio_set(struct syscall *call)
{
    int value = (int)call->arg[2];
    int class = value >> IOPRIO_CLASS_SHIFT, level = value & ((1 << IOPRIO_CLASS_SHIFT) - 1);
    if (class < 0 || class > IOPRIO_CLASS_IDLE || (class == 0 && level != 0) ||
        (class != IOPRIO_CLASS_IDLE && level >= IOPRIO_LEVELS))
        return E_INVAL;
    enum err e = check_io_who(call);
    if (e == E_OK)
        io_priority = value;
    return e;
}
