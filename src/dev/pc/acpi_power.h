/* SPDX-License-Identifier: MIT */
/* Power off, restart and the power button, as the ACPI tables describe them. */
#pragma once

#include "parse/boot_info.h"

/* Reads the tables for machine_firmware_power_off() and machine_firmware_restart() (kern/machine.h, defined here), and
 * enables the power button. Without ACPI only logs a line. After interrupts work. Boot only. */
void acpi_power_init(const struct boot_info *boot);
