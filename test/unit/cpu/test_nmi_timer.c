/* SPDX-License-Identifier: MIT */
/* The NMI timer on a processor that stops at any access to a port, for any time, as on a busy host. */
#include "cpu/nmi_timer.h"
#include "cpu/tsc.h"
#include "cpu/x86.h"

#include "unit.h"

#include <stdlib.h>

#define TSC_HZ UINT64_C(1000000000)
#define MS     (TSC_HZ / 1000)
#define COUNT  (UINT64_C(54925) * MS / 1000) /* of 65536 at 1193182 Hz */

static uint64_t now, loaded_at;
static bool counts, raised, reads_status, in_handler;
static unsigned bytes, interrupts, odds;
static uint32_t ioapic[16 / 4 + 1];

/* True if the count is over; its end raises the NMI, however late. */
static bool pass(uint64_t time)
{
    now += time;
    bool over = now - loaded_at >= COUNT;
    if (over && counts) {
        counts = false;
        raised = true;
    }
    return over;
}

/* Once in `odds` the host stops the processor for up to 80 ms; not while it handles the timer's NMI. */
static uint64_t stopped(void)
{
    return !in_handler && (unsigned)rand() % odds == 0 ? (unsigned)rand() % 80 * MS : 0;
}

/* An access takes a microsecond, or more. */
static bool access_port(void)
{
    return pass(MS / 1000 + stopped());
}

/* What the handler does with the NMI that the timer has raised, at whatever point it comes. */
static void take_nmi(void)
{
    if (!raised || in_handler)
        return;
    raised = false;
    in_handler = true;
    assert_true(nmi_clock_rang());
    nmi_clock_arm();
    in_handler = false;
    interrupts++;
}

void out8(uint16_t port, uint8_t value)
{
    access_port();
    if (port == 0x43) {
        reads_status = value == 0xe2;
        bytes = 0;
    } else if (++bytes % 2 == 0) {
        loaded_at = now;
        counts = true;
    }
    take_nmi();
}

uint8_t in8(uint16_t port)
{
    assert_int_equal(port, 0x40);
    assert_true(reads_status);
    return access_port() ? 0x80 : 0;
}

uint64_t rdtsc(void)
{
    uint64_t then = now;
    pass(stopped());
    take_nmi();
    return then;
}

uint64_t tsc_hz(void)
{
    return TSC_HZ;
}

static void test_no_nmi_of_the_timer_is_anothers(void **state)
{
    (void)state;
    ioapic[16 / 4] = 23 << 16 | 0x20; /* its version */
    nmi_clock_init(ioapic);
    odds = 4;
    srand(1);
    nmi_clock_start();
    for (unsigned i = 0; i < 100000; i++) {
        take_nmi();
        pass((unsigned)rand() % 60 * MS);
        take_nmi();
        nmi_clock_settle();
        nmi_clock_arm();
    }
    assert_true(interrupts > 10000);
}

/* One that comes while the timer has time is another's; so is a second one of a time that is over. */
static void test_an_nmi_from_outside_is_not_the_timers(void **state)
{
    (void)state;
    in_handler = true;
    nmi_clock_arm();
    nmi_clock_settle();
    nmi_clock_arm();
    pass(40 * MS);
    assert_false(nmi_clock_rang());
    nmi_clock_arm();
    assert_false(nmi_clock_rang());
    pass(60 * MS);
    assert_true(nmi_clock_rang());
    assert_false(nmi_clock_rang());
    nmi_clock_arm();
    pass(60 * MS);
    nmi_clock_arm();
    assert_true(nmi_clock_rang());
    assert_false(nmi_clock_rang());
    nmi_clock_stop();
    pass(60 * MS);
    assert_false(nmi_clock_rang());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_nmi_of_the_timer_is_anothers),
        cmocka_unit_test(test_an_nmi_from_outside_is_not_the_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
