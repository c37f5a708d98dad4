/* SPDX-License-Identifier: MIT */
/*
 * timerfd: counts expirations until they are read. As with interval timers, a periodic timer is
 * rearmed when it is read, and the expirations since then are computed: an unread timer causes no
 * interrupts.
 */
#include "linux/file/sys_timerfd.h"

#include "cpu/lock.h"
#include "fs/vfs/text.h"
#include "fs/vfs/anon_file.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/wait.h"
#include "kern/time.h"
#include "linux/abi/clock_watch.h"
#include "linux/abi/clocks.h"
#include "linux/abi/time.h"
#include "linux/file/args.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define TIMER_ABSTIME       1
#define TIMER_CANCEL_ON_SET 2

struct timer_file {
    struct timer timer;
    int clock;
    uint32_t set_flags;       /* of timerfd_settime() */
    struct clock_watch watch; /* joined with TIMER_CANCEL_ON_SET */
    bool cancelled;           /* the clock was set, and not yet read */
    struct wait_queue changed;
    struct spin_lock lock;
    uint64_t interval_ns GUARDED_BY(class_timerfd); /* 0: once */
    uint64_t deadline_ns GUARDED_BY(class_timerfd); /* on the timer's clock; 0: disarmed */
    uint64_t expiries GUARDED_BY(class_timerfd);    /* not yet read */
    /* Fired since it was armed; a periodic timer is to be rearmed. */
    bool expired GUARDED_BY(class_timerfd);
};

/* The clock of the deadline: relative times do not follow when the realtime clock is set. */
static uint64_t timerfd_now(const struct timer_file *t)
{
    return t->timer.realtime ? time_realtime_ns() : time_now_ns();
}

static void timerfd_fire(struct timer *timer)
{
    struct timer_file *t = CONTAINER_OF(timer, struct timer_file, timer);
    spin_lock(&t->lock, &class_timerfd);
    t->expired = true;
    t->expiries++;
    wait_queue_wake(&t->changed);
    spin_unlock(&t->lock, &class_timerfd);
}

/* Counts the periods since a periodic timer expired, and rearms it. */
static void catch_up(struct timer_file *t) REQUIRES(class_timerfd)
{
    if (!t->expired || t->interval_ns == 0)
        return;
    uint64_t now = timerfd_now(t);
    uint64_t periods = now < t->deadline_ns ? 0 : (now - t->deadline_ns) / t->interval_ns + 1;
    t->deadline_ns += periods * t->interval_ns;
    t->expiries += periods != 0 ? periods - 1 : 0;
    t->expired = false;
    timer_start(&t->timer, t->deadline_ns);
}

/* A condition (kern/wait.h): without the lock. */
static bool has_expired(void *context) NO_LOCK_ANALYSIS
{
    return ((const struct timer_file *)context)->expiries != 0;
}

static COLD void timerfd_clock_set(struct clock_watch *watch)
{
    struct timer_file *t = CONTAINER_OF(watch, struct timer_file, watch);
    uint64_t irq = spin_lock_irq(&t->lock, &class_timerfd);
    t->cancelled = true;
    t->expiries++;
    wait_queue_wake(&t->changed);
    spin_unlock_irq(&t->lock, &class_timerfd, irq);
}

static enum err timer_read(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct timer_file *t = file->state;
    if (io_left(io) < sizeof(uint64_t))
        return E_INVAL;
    if (!has_expired(t)) {
        if (file->flags & O_NONBLOCK)
            return E_AGAIN;
        enum err e = fs_wait(&t->changed, has_expired, t, NO_DEADLINE);
        if (e != E_OK)
            return e;
    }
    uint64_t irq = spin_lock_irq(&t->lock, &class_timerfd);
    catch_up(t);
    uint64_t count = t->expiries;
    bool cancelled = t->cancelled;
    t->expiries = 0;
    t->cancelled = false;
    spin_unlock_irq(&t->lock, &class_timerfd, irq);
    if (cancelled)
        return E_CANCELED;
    return io_put_waiting(io, &count, sizeof count);
}

static uint32_t timer_poll(struct file *file)
{
    return has_expired(file->state) ? POLL_READABLE : 0;
}

static struct wait_queue *timer_queue(struct file *file, bool write)
{
    return write ? NULL : &((struct timer_file *)file->state)->changed;
}

static void timer_release(struct file *file)
{
    struct timer_file *t = file->state;
    timer_cancel(&t->timer);
    clock_watch_leave(&t->watch);
    heap_free(t);
}

static void timer_describe(struct file *file, struct text *text);

#define TFD_IOC_SET_TICKS 0x40085400

static enum err timer_control(struct file *file, uint32_t command, uint64_t argument,
                              uint64_t *result)
{
    (void)result;
    struct timer_file *t = file->state;
    uint64_t ticks;
    if (command != TFD_IOC_SET_TICKS)
        return E_NOTTY;
    enum err e = copy_in(&ticks, virt(argument), sizeof ticks);
    if (e != E_OK || ticks == 0)
        return e != E_OK ? e : E_INVAL;
    uint64_t irq = spin_lock_irq(&t->lock, &class_timerfd);
    t->expiries = ticks;
    wait_queue_wake(&t->changed);
    spin_unlock_irq(&t->lock, &class_timerfd, irq);
    return E_OK;
}

static const struct file_ops timer_ops = {.release = timer_release,
                                          .read = timer_read,
                                          .poll = timer_poll,
                                          .queue = timer_queue,
                                          .control = timer_control,
                                          .describe = timer_describe,
                                          .no_position = true};

enum err sys_timerfd_create(struct syscall *call)
{
    int clock = (int)call->arg[0];
    uint32_t flags = (uint32_t)call->arg[1];
    enum clock_kind kind = clock >= 0 ? clock_kind(clock) : CLOCK_KIND_NONE;
    if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK))
        return E_INVAL;
    if ((kind != CLOCK_KIND_REAL && kind != CLOCK_KIND_MONOTONIC) || !clock_has_timers(clock) ||
        clock == CLOCK_TAI)
        return E_INVAL;
    struct timer_file *t = heap_alloc_zero(sizeof *t);
    if (t == NULL)
        return E_NOMEM;
    timer_init(&t->timer, timerfd_fire);
    wait_queue_init(&t->changed);
    clock_watch_init(&t->watch, timerfd_clock_set);
    t->clock = clock;
    struct file *file;
    enum err e = anon_file_open("anon_inode:[timerfd]", &timer_ops, t, flags & O_NONBLOCK, &file);
    if (e != E_OK) {
        heap_free(t);
        return e;
    }
    return fd_install(call, file, flags & O_CLOEXEC);
}

static MUST_CHECK enum err timerfd_find(uint64_t fd, struct timer_file **out)
{
    struct file *file = fd_file(fd);
    if (file == NULL)
        return E_BADF;
    if (file->ops != &timer_ops)
        return E_INVAL;
    *out = file->state;
    return E_OK;
}

static struct itimerspec show(struct timer_file *t)
{
    uint64_t irq = spin_lock_irq(&t->lock, &class_timerfd);
    catch_up(t);
    uint64_t now = timerfd_now(t), left = 0, interval = t->interval_ns;
    if (t->deadline_ns != 0 && !t->expired)
        left = t->deadline_ns > now ? t->deadline_ns - now : 1;
    spin_unlock_irq(&t->lock, &class_timerfd, irq);
    return (struct itimerspec){timespec_of_ns(interval), timespec_of_ns(left)};
}

static void timer_describe(struct file *file, struct text *text)
{
    struct timer_file *t = file->state;
    struct itimerspec now = show(t);
    uint64_t irq = spin_lock_irq(&t->lock, &class_timerfd);
    uint64_t ticks = t->expiries;
    spin_unlock_irq(&t->lock, &class_timerfd, irq);
    text_printf(text, "clockid: %d\nticks: %lu\nsettime flags: 0%o\n", t->clock, ticks,
                t->set_flags);
    text_printf(text, "it_value: (%ld, %ld)\nit_interval: (%ld, %ld)\n", now.value.seconds,
                now.value.nanoseconds, now.interval.seconds, now.interval.nanoseconds);
}

static void timerfd_set(struct timer_file *t, uint64_t value_ns, uint64_t interval_ns,
                        uint32_t flags)
{
    bool absolute = flags & TIMER_ABSTIME;
    bool follows = absolute && clock_kind(t->clock) == CLOCK_KIND_REAL;
    uint64_t irq = spin_lock_irq(&t->lock, &class_timerfd);
    timer_cancel(&t->timer);
    t->expired = false;
    t->expiries = 0;
    t->cancelled = false;
    t->interval_ns = interval_ns;
    t->deadline_ns = 0;
    if (value_ns != 0) {
        uint64_t now = clock_read(t->clock);
        t->timer.realtime = follows;
        if (absolute)
            value_ns = value_ns > now ? value_ns - now : 0;
        t->deadline_ns = deadline_after_on(timerfd_now(t), value_ns);
        timer_start(&t->timer, t->deadline_ns);
    }
    spin_unlock_irq(&t->lock, &class_timerfd, irq);
    if (follows && (flags & TIMER_CANCEL_ON_SET))
        clock_watch_join(&t->watch);
    else
        clock_watch_leave(&t->watch);
}

enum err sys_timerfd_settime(struct syscall *call)
{
    uint32_t flags = (uint32_t)call->arg[1];
    struct itimerspec to, before;
    struct timer_file *t;
    uint64_t value, interval;
    enum err e = copy_in(&to, virt(call->arg[2]), sizeof to);
    if (e != E_OK)
        return e;
    if (flags & ~(uint32_t)(TIMER_ABSTIME | TIMER_CANCEL_ON_SET))
        return E_INVAL;
    e = timespec_to_ns(&to.value, &value);
    if (e == E_OK)
        e = timespec_to_ns(&to.interval, &interval);
    if (e == E_OK)
        e = timerfd_find(call->arg[0], &t);
    if (e != E_OK)
        return e;
    before = show(t);
    t->set_flags = flags;
    timerfd_set(t, value, interval, flags);
    return call->arg[3] != 0 ? copy_out(virt(call->arg[3]), &before, sizeof before) : E_OK;
}

enum err sys_timerfd_gettime(struct syscall *call)
{
    struct timer_file *t;
    enum err e = timerfd_find(call->arg[0], &t);
    if (e != E_OK)
        return e;
    struct itimerspec now = show(t);
    return copy_out(virt(call->arg[1]), &now, sizeof now);
}
