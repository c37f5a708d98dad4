/* SPDX-License-Identifier: MIT */
/* Timers are in a queue for each CPU and clock ordered by deadline; the APIC's one-shot timer is set for the first.
 * class_timer guards the queues and is dropped while a timer's function runs. */
#include "kern/time.h"

#include "base/compiler.h"
#include "base/mul_div.h"
#include "cpu/apic.h"
#include "cpu/cpus.h"
#include "cpu/lock.h"
#include "cpu/trap.h"
#include "cpu/tsc.h"
#include "cpu/x86.h"
#include "kern/time_init.h"

static uint64_t entry_tsc;
static uint64_t realtime_offset_ns;               /* realtime - monotonic; one load reads it */
static bool realtime_set GUARDED_BY(class_timer); /* by the program */
static struct spin_lock timer_spin;
static struct pqueue timers[CPUS_MAX][2] GUARDED_BY(class_timer); /* by CPU and timer->realtime */
/* Armed timers that are not in the background. */
static unsigned foreground GUARDED_BY(class_timer);

uint64_t time_now_ns(void)
{
    uint64_t cycles = SEVERAL_CPUS && unlikely(cpus_out_of_step) ? cpus_cycles() : rdtsc();
    return tsc_to_ns(cycles - entry_tsc);
}

uint64_t time_realtime_ns(void)
{
    return time_now_ns() + realtime_offset_ns;
}

void time_base(struct time_base *out)
{
    *out = (struct time_base){entry_tsc, realtime_offset_ns};
}

/* The deadline on the clock of time_now_ns(). */
static uint64_t monotonic_deadline(const struct timer *timer)
{
    uint64_t offset = timer->realtime ? realtime_offset_ns : 0;
    return timer->deadline_ns > offset ? timer->deadline_ns - offset : 0;
}

static struct timer *first_timer(void) REQUIRES(class_timer)
{
    struct pqueue *own = timers[cpu_index()];
    struct pqueue_node *node = pqueue_first(&own[false]), *real = pqueue_first(&own[true]);
    struct timer *first = node != NULL ? CONTAINER_OF(node, struct timer, node) : NULL;
    if (likely(real == NULL))
        return first;
    struct timer *other = CONTAINER_OF(real, struct timer, node);
    return first == NULL || monotonic_deadline(other) < first->deadline_ns ? other : first;
}

static void arm_hardware(void) REQUIRES(class_timer)
{
    struct timer *first = first_timer();
    if (first == NULL) {
        apic_timer_disarm();
        return;
    }
    uint64_t now = time_now_ns(), deadline = monotonic_deadline(first);
    apic_timer_arm(deadline > now ? deadline - now : 0);
}

static void set_realtime_offset(uint64_t now, bool by_program)
{
    uint64_t flags = spin_lock_irq(&timer_spin, &class_timer);
    if (by_program || !realtime_set)
        realtime_offset_ns = now - time_now_ns();
    realtime_set |= by_program;
    time_realtime_changed();
    arm_hardware();
    for (unsigned cpu = 0; SEVERAL_CPUS && cpu < cpus_online; cpu++)
        if (cpu != cpu_index())
            cpu_send(cpu, VECTOR_KICK);
    spin_unlock_irq(&timer_spin, &class_timer, flags);
}

void time_set_realtime_ns(uint64_t now)
{
    set_realtime_offset(now, true);
}

void time_correct_realtime_ns(uint64_t now)
{
    set_realtime_offset(now, false);
}

void timer_init(struct timer *timer, void (*fire)(struct timer *timer))
{
    timer->fire = fire;
    timer->armed = timer->realtime = timer->background = false;
}

static void time_insert(struct timer *timer) REQUIRES(class_timer)
{
    if (SEVERAL_CPUS)
        timer->cpu = (uint8_t)cpu_index();
    pqueue_insert(&timers[cpu_index()][timer->realtime], &timer->node, timer->deadline_ns);
    timer->armed = true;
    foreground += !timer->background;
}

static void time_take_out(struct timer *timer) REQUIRES(class_timer)
{
    pqueue_remove(&timers[SEVERAL_CPUS ? timer->cpu : 0][timer->realtime], &timer->node);
    timer->armed = false;
    foreground -= !timer->background;
}

void timer_start(struct timer *timer, uint64_t deadline_ns)
{
    uint64_t flags = spin_lock_irq(&timer_spin, &class_timer);
    struct timer *old_first = first_timer();
    if (timer->armed)
        time_take_out(timer);
    timer->deadline_ns = deadline_ns;
    time_insert(timer);
    if (old_first == timer || first_timer() == timer)
        arm_hardware();
    spin_unlock_irq(&timer_spin, &class_timer, flags);
}

void timer_cancel(struct timer *timer)
{
    uint64_t flags = spin_lock_irq(&timer_spin, &class_timer);
    if (timer->armed) {
        bool first = first_timer() == timer;
        time_take_out(timer);
        if (first)
            arm_hardware();
    }
    spin_unlock_irq(&timer_spin, &class_timer, flags);
}

COLD void time_kicked(void)
{
    spin_lock(&timer_spin, &class_timer);
    arm_hardware();
    spin_unlock(&timer_spin, &class_timer);
}

bool timer_any_armed(void)
{
    spin_lock(&timer_spin, &class_timer);
    bool any = foreground != 0;
    spin_unlock(&timer_spin, &class_timer);
    return any;
}

static bool interrupted_program;

bool time_interrupted_program(void)
{
    return interrupted_program;
}

static void timer_interrupt_time(struct trap_frame *frame)
{
    interrupted_program = trap_from_program(frame);
    apic_eoi();
    uint64_t now = time_now_ns();
    spin_lock(&timer_spin, &class_timer);
    for (struct timer *t = first_timer(); t != NULL && monotonic_deadline(t) <= now;
         t = first_timer()) {
        time_take_out(t);
        spin_unlock(&timer_spin, &class_timer);
        t->fire(t);
        spin_lock(&timer_spin, &class_timer);
    }
    arm_hardware();
    spin_unlock(&timer_spin, &class_timer);
}

INIT_CODE void time_init(uint64_t tsc_at_entry, uint64_t realtime_ns)
{
    entry_tsc = tsc_at_entry;
    realtime_offset_ns = realtime_ns - time_now_ns();
    trap_set_handler(VECTOR_TIMER, timer_interrupt_time);
}

INIT_CODE void time_refine(void)
{
    uint64_t flags = spin_lock_irq(&timer_spin, &class_timer);
    uint64_t at = rdtsc(), now = tsc_to_ns(at - entry_tsc);
    tsc_refine();
    entry_tsc = at - mul_div(now, tsc_hz(), NS_PER_SECOND);
    arm_hardware();
    spin_unlock_irq(&timer_spin, &class_timer, flags);
}
