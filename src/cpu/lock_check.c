/* SPDX-License-Identifier: MIT */
#include "cpu/lock_check.h"

#include "base/addr.h"
#include "base/fmt.h"
#include "cpu/cpus.h"
#include "cpu/irq.h"
#include "cpu/lock_order.h"
#include "cpu/percpu.h"

#include <stddef.h>

#define HELD_MAX           8

#define LOCK_DEFINE(class) struct lock_class class = {#class, LOCK_INDEX_##class};
LOCK_CLASSES(LOCK_DEFINE)
#undef LOCK_DEFINE

static const struct lock_class *const classes[] = {
#define LOCK_ADDRESS(class) &class,
    LOCK_CLASSES(LOCK_ADDRESS)
#undef LOCK_ADDRESS
};
_Static_assert(LOCK_CLASS_COUNT <= LOCK_ORDER_CLASSES, "the graph has room");

struct held_lock {
    const struct spin_lock *lock;
    const struct lock_class *class;
    struct lock_trace trace; /* of the take */
};

static struct lock_order order;
static struct held_lock held[HELD_MAX]; /* spin locks, in the order in which they were taken */
static unsigned held_count;
static bool kernel_held;
static const struct thread *kernel_holder; /* NULL: boot */
static struct lock_trace kernel_trace;
static bool net_held; /* by the holder of kernel_lock */
static struct lock_trace net_trace;
static bool in_interrupts[CPUS_MAX];
#define in_interrupt (in_interrupts[cpu_index()])
static unsigned paused;

static bool interrupts_are_on(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq; popq %0" : "=r"(flags));
    return flags & RFLAGS_IF;
}

/* Follows frame pointers within the thread's stack or, on the stacks of boot and traps, within the
 * page of the first frame. */
static NOINLINE void capture(struct lock_trace *out)
{
    const uint64_t *frame = __builtin_frame_address(0);
    uint64_t at = (uint64_t)(uintptr_t)frame, end = align_up(at + 1, 4096);
    if (at >= percpu()->kstack_low && at < percpu()->kstack_top)
        end = percpu()->kstack_top;
    out->depth = 0;
    for (;;) {
        out->rip[out->depth++] = frame[1];
        uint64_t next = frame[0];
        if (out->depth == LOCK_TRACE_DEPTH || next <= at || next % 8 != 0 || next > end - 16)
            return;
        at = next;
        frame = (const uint64_t *)(uintptr_t)at;
    }
}

NORETURN static PRINTF_LIKE(2, 3) void fail(const struct lock_trace *other, const char *format, ...)
{
    static char sentence[200];
    va_list args;
    paused++;
    va_start(args, format);
    fmt_vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    lock_check_failed(sentence, other);
}

NORETURN static void fail_order(const struct lock_class *outer, const struct lock_class *inner,
                                const struct lock_way *against)
{
    char way[120];
    size_t n = 0;
    for (unsigned i = 0; i < against->length && n < sizeof way; i++)
        n += fmt_snprintf(way + n, sizeof way - n, "%s%s", i == 0 ? "" : " -> ",
                          classes[against->way[i]]->name);
    fail(&order.trace[against->way[0]][against->way[1]],
         "lock order: %s is taken under %s, and %s was seen before", inner->name, outer->name, way);
}

static void note(const struct lock_class *outer, const struct lock_class *inner,
                 const struct lock_trace *trace)
{
    struct lock_way against;
    if (!lock_order_add(&order, outer->index, inner->index, trace, &against))
        fail_order(outer, inner, &against);
}

/* Of several CPUs the one that has spin locks is the only one that has: else the list is another's. */
static unsigned own_count(void)
{
    return SEVERAL_CPUS && percpu()->spins == 0 ? 0 : held_count;
}

static uint32_t
    shorts_held[CPUS_MAX]; /* classes, by CPU: its thread does not leave it while it holds one */

static bool kernel_is_ours(void)
{
    return !in_interrupt && ((kernel_held && kernel_holder == percpu_thread()) ||
                             (SEVERAL_CPUS && cpu_kernel_is(KERNEL_SHARED)));
}

/* The short locks of the interrupted thread are no matter of an interrupt. */
static void note_under_shorts(const struct lock_class *inner, const struct lock_trace *trace)
{
    for (unsigned i = 0; !in_interrupt && i < LOCK_CLASS_COUNT; i++)
        if (shorts_held[cpu_index()] >> i & 1)
            note(classes[i], inner, trace);
}

/* Other CPUs may be here, too: the order is under the spin lock. */
void lock_check_short_take(struct lock_class *class)
{
    struct lock_trace trace;
    if (paused)
        return;
    if (!kernel_is_ours())
        fail(NULL, "a lock of %s is taken without kernel_lock", class->name);
    if (shorts_held[cpu_index()] >> class->index & 1)
        fail(NULL, "a lock of %s is taken while one is held", class->name);
    capture(&trace);
    uint64_t flags = irq_save();
    if (SEVERAL_CPUS)
        cpu_spin_take();
    note(&kernel_lock, class, &trace);
    note_under_shorts(class, &trace);
    for (unsigned i = 0; i < held_count; i++)
        note(held[i].class, class, &trace);
    if (SEVERAL_CPUS)
        cpu_spin_drop();
    irq_restore(flags);
    shorts_held[cpu_index()] |= 1u << class->index;
}

void lock_check_short_drop(struct lock_class *class)
{
    if (paused)
        return;
    if (!(shorts_held[cpu_index()] >> class->index & 1))
        fail(NULL, "a lock of %s is dropped that is not held", class->name);
    shorts_held[cpu_index()] &= ~(1u << class->index);
}

void lock_check_take(struct spin_lock *lock, const struct lock_class *class)
{
    struct held_lock *h = &held[held_count];
    if (paused)
        return;
    if (interrupts_are_on())
        fail(NULL, "a lock of %s is taken with interrupts on", class->name);
    for (unsigned i = 0; i < held_count; i++)
        if (held[i].class == class)
            fail(&held[i].trace, "%s of %s is taken while %s is held",
                 held[i].lock == lock ? "the lock" : "a lock", class->name,
                 held[i].lock == lock ? "it" : "another");
    if (lock->held)
        fail(NULL, "a lock of %s is taken, and was never dropped", class->name);
    if (held_count == HELD_MAX)
        fail(&held[0].trace, "too many locks are held to take one of %s", class->name);
    capture(&h->trace);
    if (kernel_is_ours())
        note(&kernel_lock, class, &h->trace);
    if (net_held && !in_interrupt)
        note(&net_lock, class, &h->trace);
    note_under_shorts(class, &h->trace);
    for (unsigned i = 0; i < held_count; i++)
        note(held[i].class, class, &h->trace);
    lock->held = true;
    h->lock = lock;
    h->class = class;
    held_count++;
}

void lock_check_drop(struct spin_lock *lock, const struct lock_class *class)
{
    unsigned i = held_count;
    if (paused)
        return;
    while (i > 0 && held[i - 1].lock != lock)
        i--;
    if (i == 0)
        fail(NULL, "a lock of %s is dropped that is not held", class->name);
    if (interrupts_are_on())
        fail(&held[i - 1].trace, "a lock of %s was held with interrupts on", class->name);
    lock->held = false;
    for (; i < held_count; i++)
        held[i - 1] = held[i];
    held_count--;
}

void lock_check_kernel_take(void)
{
    if (paused)
        return;
    if (in_interrupt)
        fail(NULL, "kernel_lock is taken in an interrupt");
    if (kernel_held)
        fail(&kernel_trace, "kernel_lock is taken while %s holds it",
             kernel_holder == percpu_thread() ? "this thread" : "another thread");
    capture(&kernel_trace);
    for (unsigned i = 0; i < own_count(); i++)
        note(held[i].class, &kernel_lock, &kernel_trace);
    kernel_held = true;
    kernel_holder = percpu_thread();
}

void lock_check_kernel_drop(void)
{
    if (paused)
        return;
    lock_check_kernel_held();
    if (net_held)
        fail(&net_trace, "kernel_lock is dropped while net_lock is held");
    for (unsigned i = 0; i < own_count(); i++)
        if (held[i].class != &class_sched)
            fail(&held[i].trace, "kernel_lock is dropped while a lock of %s is held",
                 held[i].class->name);
    if (shorts_held[cpu_index()] != 0)
        fail(NULL, "kernel_lock is dropped while a lock of %s is held",
             classes[__builtin_ctz(shorts_held[cpu_index()])]->name);
    if (!(SEVERAL_CPUS && cpu_kernel_is(KERNEL_SHARED)))
        kernel_held = false;
}

void lock_check_kernel_alone(void)
{
    lock_check_kernel_held();
    if (!paused && (SEVERAL_CPUS && cpu_kernel_is(KERNEL_SHARED)))
        fail(NULL, "kernel_lock is needed alone here, and is shared");
}

void lock_check_kernel_held(void)
{
    if (!paused && !kernel_is_ours())
        fail(kernel_held ? &kernel_trace : NULL, "kernel_lock is needed here, and %s",
             in_interrupt  ? "this is an interrupt"
             : kernel_held ? "another thread holds it"
                           : "is not held");
}

void lock_check_net_take(void)
{
    if (paused)
        return;
    if (in_interrupt)
        fail(NULL, "net_lock is taken in an interrupt");
    lock_check_kernel_held();
    if (net_held)
        fail(&net_trace, "net_lock is taken while this thread holds it");
    capture(&net_trace);
    note(&kernel_lock, &net_lock, &net_trace);
    for (unsigned i = 0; i < own_count(); i++)
        note(held[i].class, &net_lock, &net_trace);
    net_held = true;
}

void lock_check_net_drop(void)
{
    if (paused)
        return;
    lock_check_net_held();
    net_held = false;
}

void lock_check_net_held(void)
{
    if (!paused && !(net_held && kernel_is_ours()))
        fail(net_held ? &net_trace : NULL, "net_lock is needed here, and %s",
             in_interrupt ? "this is an interrupt" : "is not held");
}

void lock_check_interrupt_begin(void)
{
    if (paused)
        return;
    if (own_count() != 0)
        fail(&held[0].trace, "an interrupt came while a lock of %s was held", held[0].class->name);
    in_interrupt = true;
}

void lock_check_interrupt_end(void)
{
    if (paused)
        return;
    if (own_count() != 0)
        fail(&held[0].trace, "an interrupt left with a lock of %s held", held[0].class->name);
    in_interrupt = false;
}

void lock_check_pause(void)
{
    paused++;
}

void lock_check_resume(void)
{
    paused--;
}

bool lock_check_seen(unsigned outer, unsigned inner)
{
    return lock_order_has(&order, outer, inner);
}

const struct lock_class *lock_check_class(unsigned index)
{
    return classes[index];
}
