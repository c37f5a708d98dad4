/* SPDX-License-Identifier: MIT */
/* Switching off, restarting and the power button, as the firmware's ACPI tables describe them. */
#pragma once

#include "parse/boot_info.h"

/* Reads the tables, gives kern/machine.h its ways to end the machine, and listens to the power button.
 * Without ACPI nothing happens but a line in the log. Interrupts work. Boot only. */
void acpi_power_init(const struct boot_info *boot);
