/* SPDX-License-Identifier: MIT */
/*
 * Starts the clocks: finds the frequency of the TSC, which counts the time, and the time of day.
 *
 * The frequency: cpu/tsc.h lists the sources. The clocks to measure it against are, after the PIT,
 * the HPET and ACPI's PM timer; the firmware's tables are read only if they are needed.
 *
 * The time of day: the RTC says it in whole seconds, and within the first second of the program it is
 * made exact, by the host tool's answer (kern/host_time.h) or else by the RTC's next second. The
 * clock goes forward then; a time that the program has set stays.
 */
#pragma once

#include "kern/options.h"
#include "parse/boot_info.h"

#include <stdint.h>

/* Time 0 is the given TSC value. After the APIC is on. Boot. */
void clocks_start(uint64_t tsc_at_entry, const struct boot_info *boot,
                  const struct options *options);
