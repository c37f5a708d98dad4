/* SPDX-License-Identifier: MIT */
/* Switching off, restarting and the power button, as the firmware's ACPI tables describe them. */
#pragma once

#include "parse/boot_info.h"

/* Reads the tables for machine_firmware_power_off() and machine_firmware_restart() (kern/machine.h, defined here), and
 * takes the power button's interrupt. Without ACPI nothing happens but a line in the log. Interrupts work. Boot only. */
void acpi_power_init(const struct boot_info *boot);
