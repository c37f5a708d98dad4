/* SPDX-License-Identifier: MIT */
/*
 * The keyboard behind the i8042, which most firmware imitates for USB keyboards too. What is typed
 * goes to console_type(); Shift+PgUp looks back on the screen; Ctrl+Alt+Del restarts; Alt+PrintScreen
 * and a letter asks the kernel something (kern/sysrq.h).
 */
#pragma once

#include "dev/screen/keymap.h"

/* Looks for the controller and turns the keyboard on; nothing happens when there is none. Interrupts
 * work. Boot only. */
void ps2_init(const struct keymap_layout *layout);
