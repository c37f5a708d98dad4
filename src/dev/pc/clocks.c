/* SPDX-License-Identifier: MIT */
#define LOG_TAG "clock"
#include "dev/pc/clocks.h"

#include "base/log.h"
#include "cpu/tsc.h"
#include "cpu/x86.h"
#include "dev/pc/acpi_tables.h"
#include "dev/pc/rtc.h"
#include "kern/console.h"
#include "kern/host_time.h"
#include "kern/time.h"
#include "kern/time_init.h"
#include "mm/init/memory.h"
#include "parse/acpi.h"

enum {               /* IA-PC HPET 1.0a, 2.3 */
    HPET_PERIOD = 4, /* femtoseconds; the upper half of the capabilities */
    HPET_CONFIGURATION = 0x10,
    HPET_COUNTER = 0xf0, /* the lower half of it */
    HPET_SIZE = 0x400,
    HPET_ENABLE = 1,
    HPET_PERIOD_MAX = 100000000,
    HPET_PERIOD_MIN = 1000000,
};

INIT_DATA static volatile uint8_t *hpet;
INIT_DATA static struct acpi_register pm_timer;
INIT_DATA static const volatile uint32_t *pm_timer_memory;
INIT_DATA static uint32_t latched;

INIT_CODE static uint32_t hpet_read(unsigned offset)
{
    return *(volatile uint32_t *)(hpet + offset);
}

INIT_CODE static void latch_hpet(void)
{
    latched = hpet_read(HPET_COUNTER);
}

INIT_CODE static void latch_pm_timer(void)
{
    latched = pm_timer.memory ? *pm_timer_memory : in32((uint16_t)pm_timer.address);
}

INIT_CODE static uint32_t latched_count(void)
{
    return latched;
}

INIT_CODE static bool measure_by_hpet(const struct acpi_clocks *clocks)
{
    INIT_DATA static struct tsc_reference reference;
    if (clocks->hpet == 0)
        return false;
    hpet = memory_map_physical(phys_range(clocks->hpet, clocks->hpet + HPET_SIZE), prot_device());
    uint32_t period = hpet != NULL ? hpet_read(HPET_PERIOD) : 0;
    if (period < HPET_PERIOD_MIN || period > HPET_PERIOD_MAX)
        return false;
    *(volatile uint32_t *)(hpet + HPET_CONFIGURATION) = hpet_read(HPET_CONFIGURATION) | HPET_ENABLE;
    reference = (struct tsc_reference){
        "HPET", {UINT64_C(1000000000000000) / period, UINT32_MAX}, latch_hpet, latched_count};
    return tsc_init_by(&reference);
}

INIT_CODE static bool measure_by_pm_timer(const struct acpi_clocks *clocks)
{
    INIT_DATA static struct tsc_reference reference;
    pm_timer = clocks->pm_timer;
    uint64_t at = pm_timer.address;
    if (at == 0 || at % sizeof(uint32_t) != 0)
        return false;
    if (pm_timer.memory) {
        pm_timer_memory = memory_map_physical(phys_range(at, at + sizeof(uint32_t)), prot_device());
        if (pm_timer_memory == NULL)
            return false;
    }
    reference = (struct tsc_reference){
        "ACPI PM timer", {ACPI_PM_TIMER_HZ, clocks->pm_timer_mask}, latch_pm_timer, latched_count};
    return tsc_init_by(&reference);
}

INIT_CODE static bool measure_by_acpi(const struct boot_info *boot)
{
    struct acpi_clocks clocks;
    size_t size;
    const void *rsdp = acpi_tables_root(boot, &size);
    return rsdp != NULL && acpi_read_clocks(rsdp, size, acpi_tables_map, NULL, &clocks) &&
           (measure_by_hpet(&clocks) || measure_by_pm_timer(&clocks));
}

/* Runs in the RTC's interrupt, at the start of the given second. */
static void second_began(uint64_t seconds)
{
    time_correct_realtime_ns(seconds * NS_PER_SECOND);
}

INIT_CODE void clocks_start(uint64_t tsc_at_entry, const struct boot_info *boot,
                            const struct options *options)
{
    if (!tsc_init(options->tsc_hz) && !measure_by_acpi(boot) && !tsc_init_nominal())
        log_warn("no clock to measure the TSC against: times will be wrong");
    time_init(tsc_at_entry, rtc_read() * NS_PER_SECOND);
    if (options->time_from_host && console_is_framed())
        host_time_ask();
    else
        rtc_watch_second(second_began);
}
