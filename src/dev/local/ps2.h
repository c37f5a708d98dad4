/* SPDX-License-Identifier: MIT */
/*
 * The keyboard behind the i8042 controller, which most firmware emulates for USB keyboards. Typed
 * bytes go to console_type(); Shift+PgUp scrolls back; Ctrl+Alt+Del restarts the machine;
 * Alt+PrintScreen and a letter is a SysRq (kern/sysrq.h).
 */
#pragma once

#include "dev/screen/keymap.h"

/* Finds the controller and enables the keyboard; does nothing if there is no controller. After
 * interrupts work. Boot only. */
void ps2_init(const struct keymap_layout *layout);
