/* SPDX-License-Identifier: MIT */
/* What a person in front of the machine needs: screen, keyboard, power button. Boot only. */
#pragma once

#include "kern/options.h"
#include "parse/boot_info.h"

/* The console goes to the screen, too, if there is one and it is wanted. */
void local_console_screen(const struct boot_info *boot);
/* Keys and the power button work, on a machine that a person sits at: one with a screen, or one that
 * is not ended by a program around it. Interrupts work. */
void local_console_keys(const struct boot_info *boot, const struct options *options);
