/* SPDX-License-Identifier: MIT */
#include "linux/time/sys_time.h"

#include "base/str.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "kern/wait.h"
#include "linux/abi/clock_watch.h"
#include "linux/abi/clocks.h"
#include "linux/abi/time.h"
#include "linux/task/process.h"
#include "linux/time/vdso.h"
#include "mm/vm/usercopy.h"

#define TIMER_ABSTIME 1

/* Ids of CPU-time clocks are negative (linux/posix-timers_types.h): ~pid from bit 3 up, bit 2 set
 * for a thread, bits 1-0 the kind of time; 3 (CLOCKFD) is not a CPU-time clock. */
#define CPU_CLOCK_THREAD  4
#define CPU_CLOCK_WHAT    3
#define CPU_CLOCK_VIRTUAL 1 /* in the program; 0 and 2: all */
#define CPU_CLOCK_SCHED   2 /* exact; 0 and 1 count ticks */

static int pid_of_clock(int id)
{
    return ~(id >> 3);
}

static enum clock_kind cpu_clock_kind(int id)
{
    const struct linux_thread *lt = linux_thread_by_tid(pid_of_clock(id));
    if ((id & CPU_CLOCK_WHAT) == CPU_CLOCK_WHAT || lt == NULL)
        return CLOCK_KIND_NONE;
    if (id & CPU_CLOCK_THREAD)
        return lt->process == process_current() ? CLOCK_KIND_THREAD_CPU : CLOCK_KIND_NONE;
    return pid_of_clock(id) == 0 || lt->process->pid == lt->tid ? CLOCK_KIND_CPU : CLOCK_KIND_NONE;
}

enum clock_kind clock_kind(int id)
{
    if (id < 0)
        return cpu_clock_kind(id);
    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
        return CLOCK_KIND_REAL;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
        return CLOCK_KIND_MONOTONIC;
    case CLOCK_PROCESS_CPUTIME_ID:
        return CLOCK_KIND_CPU;
    case CLOCK_THREAD_CPUTIME_ID:
        return CLOCK_KIND_THREAD_CPU;
    default:
        return CLOCK_KIND_NONE;
    }
}

bool clock_has_timers(int id)
{
    return id != CLOCK_MONOTONIC_RAW && id != CLOCK_REALTIME_COARSE && id != CLOCK_MONOTONIC_COARSE;
}

int clock_tid(int id)
{
    enum clock_kind kind = clock_kind(id);
    int tid = id < 0 ? pid_of_clock(id) : 0;
    if (kind == CLOCK_KIND_CPU)
        return tid;
    return kind != CLOCK_KIND_THREAD_CPU ? 0 : tid != 0 ? tid : linux_current()->tid;
}

static uint64_t cpu_read(int id)
{
    struct linux_thread *lt = linux_thread_by_tid(id < 0 ? pid_of_clock(id) : 0);
    if (lt == NULL)
        return 0;
    if (id < 0 && (id & CPU_CLOCK_WHAT) == CPU_CLOCK_VIRTUAL) {
        struct usage usage;
        if (clock_kind(id) == CLOCK_KIND_CPU)
            usage_of_process(lt->process, &usage);
        else
            usage_of_thread(lt, &usage);
        return usage.user_ns;
    }
    if (clock_kind(id) == CLOCK_KIND_CPU)
        return process_cpu_ns(lt->process);
    return lt->thread != NULL ? thread_cpu_ns(lt->thread) : 0;
}

uint64_t clock_read(int id)
{
    switch (clock_kind(id)) {
    case CLOCK_KIND_REAL:
        return time_realtime_ns();
    case CLOCK_KIND_CPU:
    case CLOCK_KIND_THREAD_CPU:
        return cpu_read(id);
    default:
        return time_now_ns();
    }
}

enum err sys_clock_gettime(struct syscall *call)
{
    enum clock_kind kind = clock_kind((int)call->arg[0]);
    if (kind == CLOCK_KIND_NONE)
        return E_INVAL;
    if (kind >= CLOCK_KIND_CPU) /* may be another's */
        kernel_lock_alone();
    return timespec_copy_out(virt(call->arg[1]), clock_read((int)call->arg[0]));
}

enum err sys_clock_settime(struct syscall *call)
{
    int id = (int)call->arg[0];
    uint64_t now;
    if (id > CLOCK_REALTIME)
        return E_INVAL;
    enum err e = timespec_copy_in(virt(call->arg[1]), &now);
    if (id < 0 && e != E_FAULT) /* a clock of CPU time */
        return clock_kind(id) == CLOCK_KIND_NONE ? E_INVAL : E_PERM;
    if (e != E_OK)
        return e;
    if (!capable(CAP_SYS_TIME))
        return E_PERM;
    return clock_set_realtime_ns(now);
}

enum err sys_clock_getres(struct syscall *call)
{
    int id = (int)call->arg[0];
    if (clock_kind(id) == CLOCK_KIND_NONE)
        return E_INVAL;
    bool coarse = id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE ||
                  (id < 0 && (id & CPU_CLOCK_WHAT) != CPU_CLOCK_SCHED);
    if (call->arg[1] == 0)
        return E_OK;
    return timespec_copy_out(virt(call->arg[1]), coarse ? CLOCK_COARSE_RESOLUTION_NS : 1);
}

/* Sleeps until the clock reads `deadline`. The clock is read again after each sleep: a CPU-time
 * clock advances more slowly than real time. */
static enum err sleep_until(int clock, uint64_t deadline)
{
    struct wait_queue queue = WAIT_QUEUE_INIT(queue); /* never woken */
    bool real = clock_kind(clock) == CLOCK_KIND_REAL;
    enum err e = E_OK;
    for (uint64_t now; e != E_INTR && (now = clock_read(clock)) < deadline;) {
        uint64_t left = deadline - now;
        uint64_t end = real ? deadline_after_on(time_realtime_ns(), left) : deadline_after(left);
        e = WAIT_EVENT_IN(&queue, false, end, real ? WAIT_REALTIME : WAIT_ALL);
    }
    return e == E_INTR ? E_INTR : E_OK;
}

static enum err sleep_relative(struct syscall *call, int clock, uint64_t ns, virt_t left)
{
    uint64_t now = clock_read(clock);
    if (call->deadline_ns == 0 && __builtin_add_overflow(now, ns, &call->deadline_ns))
        call->deadline_ns = UINT64_MAX;
    uint64_t deadline = call->deadline_ns;
    enum err e = sleep_until(clock, deadline);
    if (e != E_INTR)
        return e;
    call->restart_resumes = true;
    if (left.v != 0) {
        now = clock_read(clock);
        enum err copied = timespec_copy_out(left, deadline > now ? deadline - now : 0);
        if (copied != E_OK)
            return copied;
    }
    return E_INTR;
}

enum err sys_nanosleep(struct syscall *call)
{
    uint64_t ns;
    enum err e = timespec_copy_in(virt(call->arg[0]), &ns);
    if (e != E_OK)
        return e;
    return sleep_relative(call, CLOCK_MONOTONIC, ns, virt(call->arg[1]));
}

enum err sys_clock_nanosleep(struct syscall *call)
{
    int id = (int)call->arg[0];
    enum clock_kind kind = clock_kind(id);
    uint64_t ns;

    if (kind == CLOCK_KIND_NONE)
        return E_INVAL;
    if (!clock_has_timers(id) || id == CLOCK_THREAD_CPUTIME_ID)
        return E_NOTSUP;
    enum err e = timespec_copy_in(virt(call->arg[2]), &ns);
    if (e != E_OK)
        return e;
    if (kind == CLOCK_KIND_THREAD_CPU)
        return E_INVAL;                  /* own CPU time does not advance in sleep */
    if (!(call->arg[1] & TIMER_ABSTIME)) /* setting the clock does not affect relative sleeps */
        return sleep_relative(call, kind == CLOCK_KIND_REAL ? CLOCK_MONOTONIC : id, ns,
                              virt(call->arg[3]));
    call->restart_unhandled = true;
    return sleep_until(id, ns);
}

struct timezone {
    int32_t minutes_west, dst_time;
};

static struct timezone timezone; /* stored and returned only, as in Linux */

enum err sys_gettimeofday(struct syscall *call)
{
    enum err e = E_OK;
    if (call->arg[0] != 0) {
        struct timeval now = timeval_of_ns(time_realtime_ns());
        e = put_out(virt(call->arg[0]), (uint64_t)now.seconds);
        if (e == E_OK)
            e = put_out(virt(call->arg[0] + 8), (uint64_t)now.microseconds);
    }
    if (e == E_OK && call->arg[1] != 0)
        e = copy_out(virt(call->arg[1]), &timezone, sizeof timezone);
    return e;
}

enum err sys_settimeofday(struct syscall *call)
{
    struct timeval to;
    struct timezone zone = timezone;
    uint64_t now = 0;
    enum err e = E_OK;
    if (call->arg[0] != 0) {
        e = copy_in(&to, virt(call->arg[0]), sizeof to);
        if (e == E_OK)
            e = timeval_to_ns(&to, &now);
    }
    if (e == E_OK && call->arg[1] != 0)
        e = copy_in(&zone, virt(call->arg[1]), sizeof zone);
    if (e != E_OK)
        return e;
    if (!capable(CAP_SYS_TIME))
        return E_PERM;
    if (zone.minutes_west > 15 * 60 || zone.minutes_west < -15 * 60)
        return E_INVAL;
    uint64_t word;
    timezone = zone;
    memcpy(&word, &timezone, sizeof word);
    vdso_set_timezone(word);
    return call->arg[0] != 0 ? clock_set_realtime_ns(now) : E_OK;
}

enum err sys_time(struct syscall *call)
{
    uint64_t now = time_realtime_ns() / NS_PER_SECOND;
    call->result = now;
    return call->arg[0] != 0 ? put_out(virt(call->arg[0]), now) : E_OK;
}

enum err sys_times(struct syscall *call)
{
    uint64_t tick = NS_PER_SECOND / USER_HZ;
    struct process *self = process_current();
    struct usage own;
    usage_of_process(self, &own);
    uint64_t out[4] = {own.user_ns / tick, own.system_ns / tick,
                       self->children_usage.user_ns / tick, self->children_usage.system_ns / tick};
    call->result = time_now_ns() / tick;
    return call->arg[0] != 0 ? copy_out(virt(call->arg[0]), out, sizeof out) : E_OK;
}
