/* SPDX-License-Identifier: MIT */
#include "kern/watchdog.h"

#include "base/compiler.h"
#include "cpu/cpus.h"
#include "cpu/nmi_timer.h"
#include "cpu/tables.h"
#include "cpu/trap.h"
#include "cpu/vectors.h"
#include "kern/thread.h"

_Static_assert(THREAD_TICK_NS < NMI_CLOCK_MS * NS_PER_SECOND / 1000,
               "the clock is wound up before it rings");

static struct timer tick; /* of the CPU that booted, which asks the others (watchdog_kicked()) */
static bool on;
static unsigned rings[CPUS_MAX], rings_max; /* consecutive expirations */
static volatile bool asked_to_tick[CPUS_MAX];

/* percpus rather than percpu(): an NMI cannot rely on GS. */
static void wind_up(void)
{
    rings[0] = 0;
    timer_start(&tick, time_now_ns() + THREAD_TICK_NS);
    nmi_clock_arm();
}

/* Asks the other CPUs that run threads to tick, by an interrupt; one that did not since the last time gets an NMI, which
 * counts as the NMI clock's does. False: none runs a thread. O(CPUs). */
static bool ask_others(void)
{
    bool any = false;
    for (unsigned cpu = 1; cpu < cpus_online; cpu++) {
        bool late = asked_to_tick[cpu];
        asked_to_tick[cpu] = !thread_is_idle(cpu);
        if (!asked_to_tick[cpu])
            continue;
        any = true;
        cpu_send(cpu, VECTOR_KICK);
        if (late && rings_max != 0)
            cpu_send_nmi(cpu);
    }
    return any;
}

COLD void watchdog_kicked(bool in_program)
{
    unsigned cpu = cpu_index();
    if (cpu == 0) {
        if (on && !tick.armed)
            wind_up();
    } else if (asked_to_tick[cpu]) {
        asked_to_tick[cpu] = false;
        rings[cpu] = 0;
        if (!thread_is_idle(cpu))
            thread_tick(in_program);
    }
}

static void ticked(struct timer *timer)
{
    (void)timer;
    nmi_clock_settle();
    if (!on)
        return;
    bool others = SEVERAL_CPUS && ask_others(), idle = thread_is_idle(0);
    if (!idle)
        thread_tick(time_interrupted_program());
    if (!idle || others)
        wind_up();
}

void watchdog_wake(void)
{
    if (likely(!on || tick.armed))
        return;
    if (cpu_index() == 0)
        wind_up();
    else if (SEVERAL_CPUS)
        cpu_send(0, VECTOR_KICK);
}

void watchdog_stop(void)
{
    on = false;
}

/* An NMI from outside. Two within a second are not a user's request but another source on the PIT's
 * pin, such as an HPET: the NMI timer is stopped. */
static void asked(const struct trap_frame *frame)
{
    static uint64_t last_ns;
    uint64_t now = time_now_ns();
    if (last_ns != 0 && now - last_ns < NS_PER_SECOND) {
        nmi_clock_stop();
    } else {
        report_by_request(frame);
        now = time_now_ns(); /* the report takes time */
    }
    last_ns = now;
}

/* Locks of a CPU that the host has stopped, or an answer of it, may be what this one waits for. */
static bool others_answer(void)
{
    bool all = true;
    if (SEVERAL_CPUS && cpus_stop(&all))
        cpus_go_on();
    return all;
}

static void nmi_counted(unsigned cpu, const struct trap_frame *frame)
{
    if (++rings[cpu] >= rings_max && others_answer())
        watchdog_stuck(frame);
    if (cpu == 0)
        nmi_clock_arm();
}

static void nmi(struct trap_frame *frame)
{
    unsigned cpu = SEVERAL_CPUS ? cpu_index_by_apic() : 0;
    if (trap_raised_by_program(frame))
        return;
    bool ours = cpu != 0 || nmi_clock_rang();
    if (report_is_running() || (ours && (!on || thread_is_idle(cpu))))
        return;
    if (!ours)
        asked(frame);
    else if (cpu == 0 || asked_to_tick[cpu])
        nmi_counted(cpu, frame);
}

INIT_CODE void watchdog_start(unsigned seconds)
{
    rings_max = seconds * 1000 / NMI_CLOCK_MS;
    timer_init(&tick, ticked);
    tick.background = true;
    trap_set_handler(VECTOR_NMI, nmi);
    if (rings_max != 0)
        nmi_clock_start();
    on = true;
    wind_up();
}
