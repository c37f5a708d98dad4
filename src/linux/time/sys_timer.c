/* SPDX-License-Identifier: MIT */
#include "linux/time/sys_timer.h"

#include "base/str.h"
#include "linux/abi/clocks.h"
#include "linux/abi/time.h"
#include "linux/task/process.h"
#include "linux/task/timers.h"
#include "mm/heap/hash_table.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define SIGEV_SIGNAL    0
#define SIGEV_NONE      1
#define SIGEV_THREAD    2
#define SIGEV_THREAD_ID 4
#define TIMER_ABSTIME   1

struct sigevent { /* sigevent_t */
    uint64_t value;
    int32_t signal, notify, tid;
    int32_t padding[11];
};

_Static_assert(sizeof(struct sigevent) == 64, "asm-generic/siginfo.h");

struct posix_timer {
    struct list link; /* process_timers.posix */
    struct hash_link by_id;
    int id;
    int clock; /* clock id; absolute times of timer_settime() are read on it */
    struct interval_timer t;
};

static struct process_timers *timers(void)
{
    return &process_current()->timers;
}

void timers_init(struct process *process)
{
    static const int signals[ITIMER_COUNT] = {SIGNAL_ALRM, SIGNAL_VTALRM, SIGNAL_PROF};
    struct process_timers *all = &process->timers;
    *all = (struct process_timers){.next_id = 0};
    list_init(&all->posix);
    hash_table_init(&all->by_id);
    for (int i = 0; i < ITIMER_COUNT; i++) {
        struct siginfo info = {.signal = signals[i], .code = SI_KERNEL};
        interval_timer_init(&all->interval[i], process,
                            i == ITIMER_REAL ? TIMER_CLOCK_TIME : TIMER_CLOCK_CPU, &info);
        all->interval[i].leader_first = i == ITIMER_REAL;
    }
}

static struct itimerval itimer_show(struct interval_timer *t)
{
    uint64_t left = interval_timer_left(t);
    if (left != 0 && left < 1000)
        left = 1000; /* 0 would mean a disarmed timer */
    return (struct itimerval){timeval_of_ns(interval_timer_period(t)), timeval_of_ns(left)};
}

static void start_after(struct interval_timer *t, uint64_t value_ns, uint64_t interval_ns)
{
    uint64_t deadline;
    interval_timer_stop(t);
    uint64_t irq = signal_lock();
    t->interval_ns = interval_ns;
    signal_unlock(irq);
    if (value_ns == 0)
        return;
    if (__builtin_add_overflow(interval_timer_clock(t), value_ns, &deadline))
        deadline = UINT64_MAX;
    interval_timer_start(t, deadline, interval_ns);
}

enum err sys_alarm(struct syscall *call)
{
    uint64_t left = interval_timer_left(&timers()->interval[ITIMER_REAL]);
    uint64_t seconds = (left + NS_PER_SECOND / 2) / NS_PER_SECOND;
    call->result = left != 0 && seconds == 0 ? 1 : seconds;
    start_after(&timers()->interval[ITIMER_REAL], (uint32_t)call->arg[0] * NS_PER_SECOND, 0);
    return E_OK;
}

enum err sys_getitimer(struct syscall *call)
{
    if ((uint32_t)call->arg[0] >= ITIMER_COUNT)
        return E_INVAL;
    struct itimerval now = itimer_show(&timers()->interval[(uint32_t)call->arg[0]]);
    return copy_out(virt(call->arg[1]), &now, sizeof now);
}

enum err sys_setitimer(struct syscall *call)
{
    struct itimerval to = {0}, before;
    uint64_t value, interval;
    if (call->arg[1] != 0) { /* as in Linux, NULL disarms the timer */
        enum err e = copy_in(&to, virt(call->arg[1]), sizeof to);
        if (e == E_OK)
            e = timeval_to_ns(&to.value, &value);
        if (e == E_OK)
            e = timeval_to_ns(&to.interval, &interval);
        if (e != E_OK)
            return e;
    } else {
        value = interval = 0;
    }
    if ((uint32_t)call->arg[0] >= ITIMER_COUNT)
        return E_INVAL;
    struct interval_timer *t = &timers()->interval[(uint32_t)call->arg[0]];
    before = itimer_show(t);
    /* As in Linux, the other ones keep the interval of a stopped timer. */
    start_after(t, value, value == 0 && (uint32_t)call->arg[0] == ITIMER_REAL ? 0 : interval);
    return call->arg[2] != 0 ? copy_out(virt(call->arg[2]), &before, sizeof before) : E_OK;
}

static struct posix_timer *timer_find(uint64_t id)
{
    struct hash_link *link = hash_table_first(&timers()->by_id, (uint32_t)id);
    return link ? CONTAINER_OF(link, struct posix_timer, by_id) : NULL;
}

static void posix_timer_free(struct posix_timer *p)
{
    interval_timer_stop(&p->t);
    signal_entry_cancel(&p->t.entry);
    list_remove(&p->link);
    hash_table_remove(&p->t.process->timers.by_id, &p->by_id);
    heap_free(p);
}

void timers_exec(struct process *process)
{
    struct list *posix = &process->timers.posix;
    while (!list_empty(posix))
        posix_timer_free(CONTAINER_OF(posix->next, struct posix_timer, link));
}

void timers_clear(struct process *process)
{
    timers_exec(process);
    timer_cancel(&process->timers.cpu_limit);
    for (int i = 0; i < ITIMER_COUNT; i++) {
        interval_timer_stop(&process->timers.interval[i]);
        signal_entry_cancel(&process->timers.interval[i].entry);
    }
}

static bool is_own_thread(int tid)
{
    const struct linux_thread *lt = linux_thread_find(tid);
    return lt != NULL && lt->process == process_current();
}

static MUST_CHECK enum err check_event(const struct sigevent *event)
{
    switch (event->notify) {
    case SIGEV_SIGNAL | SIGEV_THREAD_ID:
        if (!is_own_thread(event->tid))
            return E_INVAL;
        break;
    case SIGEV_SIGNAL:
    case SIGEV_THREAD:
        break;
    case SIGEV_NONE:
        return E_OK;
    default:
        return E_INVAL;
    }
    return event->signal >= 1 && event->signal <= SIGNAL_COUNT ? E_OK : E_INVAL;
}

static enum timer_clock timer_clock_of(enum clock_kind kind)
{
    return kind == CLOCK_KIND_CPU          ? TIMER_CLOCK_CPU
           : kind == CLOCK_KIND_THREAD_CPU ? TIMER_CLOCK_THREAD
                                           : TIMER_CLOCK_TIME;
}

enum err sys_timer_create(struct syscall *call)
{
    int id = (int)call->arg[0];
    enum clock_kind kind = clock_kind(id);
    int new_id = timers()->next_id;
    struct sigevent event = {.signal = SIGNAL_ALRM, .value = (uint64_t)new_id};

    if (call->arg[1] != 0) {
        enum err e = copy_in(&event, virt(call->arg[1]), sizeof event);
        if (e != E_OK)
            return e;
    }
    if (kind == CLOCK_KIND_NONE) {
        /* Linux looks at the clock of a process or a file only after the timer has its number. */
        enum err e = id < 0 ? check_event(&event) : E_INVAL;
        if (e == E_OK)
            e = copy_out(virt(call->arg[2]), &new_id, sizeof new_id);
        return e == E_OK ? E_INVAL : e;
    }
    if (!clock_has_timers(id))
        return E_NOTSUP;
    enum err e = check_event(&event);
    if (e != E_OK)
        return e;
    /* Each timer preallocates one queued signal, which counts towards RLIMIT_SIGPENDING. */
    if (timers()->by_id.count >= process_current()->rlimits[RLIMIT_SIGPENDING].soft)
        return E_AGAIN;
    struct posix_timer *p = heap_alloc_zero(sizeof *p);
    if (p == NULL)
        return E_AGAIN;
    struct siginfo info = {
        .signal = event.signal,
        .code = SI_TIMER,
        .timer = {.id = new_id, .value = event.value},
    };
    interval_timer_init(&p->t, process_current(), timer_clock_of(kind), &info);
    p->t.clock_tid = clock_tid(id);
    p->t.silent = event.notify == SIGEV_NONE;
    p->t.counts_overruns = p->t.entry.always = true;
    p->t.target_tid = event.notify & SIGEV_THREAD_ID ? event.tid : 0;
    p->id = new_id;
    p->clock = id;
    e = copy_out_now(virt(call->arg[2]), &new_id, sizeof new_id);
    if (e != E_OK) {
        heap_free(p);
        return e;
    }
    timers()->next_id = (new_id + 1) & INT32_MAX;
    hash_table_add(&timers()->by_id, &p->by_id, (uint32_t)new_id);
    list_add_tail(&timers()->posix, &p->link);
    return E_OK;
}

static struct itimerspec timer_show(struct posix_timer *p)
{
    uint64_t left = interval_timer_left(&p->t);
    return (struct itimerspec){timespec_of_ns(interval_timer_period(&p->t)), timespec_of_ns(left)};
}

static void timer_set(struct posix_timer *p, bool absolute, uint64_t value, uint64_t interval)
{
    bool real = clock_kind(p->clock) == CLOCK_KIND_REAL;
    interval_timer_stop(&p->t);
    if (real)
        p->t.clock = absolute ? TIMER_CLOCK_REAL : TIMER_CLOCK_TIME;
    if (value == 0 || !absolute) {
        start_after(&p->t, value, interval);
        return;
    }
    /* From p->clock to the interval timer's by its distance from now: CLOCK_TAI has an offset. */
    uint64_t now = clock_read(p->clock), base = interval_timer_clock(&p->t), deadline;
    if (value <= now)
        deadline = now - value < base ? base - (now - value) : 1;
    else if (__builtin_add_overflow(base, value - now, &deadline))
        deadline = UINT64_MAX;
    interval_timer_start(&p->t, deadline, interval);
}

enum err sys_timer_settime(struct syscall *call)
{
    struct itimerspec to, before;
    uint64_t value, interval;
    if (call->arg[2] == 0)
        return E_INVAL;
    enum err e = copy_in(&to, virt(call->arg[2]), sizeof to);
    if (e == E_OK)
        e = timespec_to_ns(&to.interval, &interval);
    if (e == E_OK)
        e = timespec_to_ns(&to.value, &value);
    if (e != E_OK)
        return e;
    struct posix_timer *p = timer_find(call->arg[0]);
    if (p == NULL)
        return E_INVAL;
    before = timer_show(p);
    timer_set(p, call->arg[1] & TIMER_ABSTIME, value, interval);
    return call->arg[3] != 0 ? copy_out(virt(call->arg[3]), &before, sizeof before) : E_OK;
}

enum err sys_timer_gettime(struct syscall *call)
{
    struct posix_timer *p = timer_find(call->arg[0]);
    if (p == NULL)
        return E_INVAL;
    struct itimerspec now = timer_show(p);
    return copy_out(virt(call->arg[1]), &now, sizeof now);
}

enum err sys_timer_getoverrun(struct syscall *call)
{
    struct posix_timer *p = timer_find(call->arg[0]);
    if (p == NULL)
        return E_INVAL;
    call->result = p->t.overrun;
    return E_OK;
}

enum err sys_timer_delete(struct syscall *call)
{
    struct posix_timer *p = timer_find(call->arg[0]);
    if (p == NULL)
        return E_INVAL;
    posix_timer_free(p);
    return E_OK;
}
