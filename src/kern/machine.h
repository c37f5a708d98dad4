/* SPDX-License-Identifier: MIT */
/* The end of the machine. */
#pragma once

#include "base/compiler.h"

#include <stdint.h>

enum machine_exit_way {
    EXIT_HALT = 0,   /* say so, then halt */
    EXIT_DEBUG_PORT, /* QEMU's isa-debug-exit at a port */
    EXIT_BOCHS,      /* "Shutdown" to Bochs' port 0x8900 */
    EXIT_POWER_OFF,  /* what a virtual machine without the host tool gets */
};

/* How machine_exit() ends it; `port` for EXIT_DEBUG_PORT. Boot only. */
void machine_set_exit(enum machine_exit_way way, uint16_t port);

/* The program ended with this status (0-255, as a shell shows it). Tells the host tool, or the
 * person in front of the console, and powers off. Callers: any. */
NORETURN void machine_exit(int status);
/* reboot(RB_AUTOBOOT). */
NORETURN void machine_restart(void);
