/* SPDX-License-Identifier: MIT */
/* The end of the machine. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

enum machine_exit_way {
    EXIT_DEFAULT = 0, /* a real PC: as EXIT_KEY; a virtual one: EXIT_POWER_OFF */
    EXIT_HALT,        /* say so, then halt */
    EXIT_KEY,         /* say so, wait for a key where there is a keyboard, and power off */
    EXIT_POWER_OFF,
    EXIT_DEBUG_PORT, /* QEMU's isa-debug-exit at a port */
    EXIT_BOCHS,      /* "Shutdown" to Bochs' port 0x8900 */
};

/* How machine_exit() ends it; `port` for EXIT_DEBUG_PORT. `panic_seconds`: after a panic it restarts
 * after so long (0: it ends like any other). Boot only. */
void machine_set_exit(enum machine_exit_way way, uint16_t port, unsigned panic_seconds);

/* The program ended with this status (0-255, as a shell shows it). Tells the host tool, or the
 * person in front of the console, and powers off. Callers: any. */
NORETURN void machine_exit(int status);
/* The kernel panicked, and its report has been made. Callers: any. */
NORETURN void machine_end_panic(void);
/* reboot(2): at once, whatever exit= says, unless the host tool waits for a status. Callers: any. */
NORETURN void machine_restart(void);
NORETURN void machine_power_off(void);
NORETURN void machine_halt(void);

/* Ctrl+Alt+Del restarts the machine, as at boot, or else interrupts the program. Callers: any. */
void machine_set_restart_keys(bool restart);
/* They were pressed. Callers: interrupts. */
void machine_restart_keys(void);

/* The power button was pressed: the program is asked to end, and the machine ends without it when that
 * takes too long. Callers: interrupts. */
void machine_power_button(void);

/* Defined above: */

/* Power-off and restart by the firmware's tables; return if these offer no way, or it failed (dev/pc/acpi_power.c). */
void machine_firmware_power_off(void);
void machine_firmware_restart(void);
/* Returns when a key was pressed, with interrupts off; at once where there is no keyboard (dev/local/ps2.c). */
void machine_wait_for_key(void);
/* Signals to process 1, SIGTERM and SIGINT; nothing happens before it is there. Callers: interrupts
 * (linux/process/sys_system.c). */
void machine_ask_program_to_end(void);
void machine_interrupt_program(void);
