/* SPDX-License-Identifier: MIT */
/* The local console: screen, keyboard and power button. Boot only. */
#pragma once

#include "kern/options.h"
#include "parse/boot_info.h"

/* Adds the screen to the console's devices, if there is one and the command line allows it. */
void local_console_screen(const struct boot_info *boot);
/* Starts ACPI power control unless the tool ends the machine, and the keyboard if there is a
 * screen. After interrupts work. */
void local_console_keys(const struct boot_info *boot, const struct options *options);
