/* SPDX-License-Identifier: MIT */
#include "kern/watchdog.h"

#include "base/compiler.h"
#include "cpu/nmi_timer.h"
#include "cpu/tables.h"
#include "cpu/trap.h"
#include "kern/thread.h"

#define TICK_NS (40 * NS_PER_SECOND / 1000)
_Static_assert(TICK_NS < NMI_CLOCK_MS * NS_PER_SECOND / 1000,
               "the clock is wound up before it rings");

static struct timer tick;
static bool on;
static unsigned rings, rings_max; /* consecutive expirations */

/* percpu_boot rather than percpu(): an NMI cannot rely on GS. */
static bool is_idle(void)
{
    return percpu_boot.current == NULL || thread_state_now(percpu_boot.current) != THREAD_RUNNABLE;
}

static void wind_up(void)
{
    rings = 0;
    timer_start(&tick, time_now_ns() + TICK_NS);
    nmi_clock_arm();
}

static void ticked(struct timer *timer)
{
    (void)timer;
    nmi_clock_settle();
    if (on && !is_idle()) {
        thread_tick(time_interrupted_program());
        wind_up();
    }
}

void watchdog_wake(void)
{
    if (unlikely(on && !tick.armed))
        wind_up();
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

static void nmi(struct trap_frame *frame)
{
    if (trap_raised_by_program(frame))
        return;
    bool ours = nmi_clock_rang();
    if (report_is_running() || (ours && (!on || is_idle())))
        return;
    if (!ours)
        asked(frame);
    else if (++rings < rings_max)
        nmi_clock_arm();
    else
        watchdog_stuck(frame);
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
