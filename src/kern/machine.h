/* SPDX-License-Identifier: MIT */
/* The end of the machine: exit, restart, power-off. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

enum machine_exit_way {
    EXIT_DEFAULT = 0, /* a real PC: as EXIT_KEY; a virtual one: EXIT_POWER_OFF */
    EXIT_HALT,        /* print a message, then halt */
    EXIT_KEY,         /* print a message, wait for a key if there is a keyboard, power off */
    EXIT_POWER_OFF,
    EXIT_DEBUG_PORT, /* QEMU's isa-debug-exit at a port */
    EXIT_BOCHS,      /* "Shutdown" to Bochs' port 0x8900 */
};

/* Sets how machine_exit() ends the machine; `port` is for EXIT_DEBUG_PORT. `panic_seconds`: time
 * from a panic to the restart; 0: a panic ends the machine as an exit does. Boot. */
void machine_set_exit(enum machine_exit_way way, uint16_t port, unsigned panic_seconds);

/* Ends the machine with the program's status (0-255, as $? in a shell): reports it to the host tool
 * or on the console. Callers: any. */
NORETURN void machine_exit(int status);
/* Ends the machine after the report of a panic. Callers: any. */
NORETURN void machine_end_panic(void);
/* reboot(2): immediate, whatever exit= is, unless the host tool waits for a status. Callers:
 * any. */
NORETURN void machine_restart(void);
NORETURN void machine_power_off(void);
NORETURN void machine_halt(void);

/* Ctrl+Alt+Del restarts the machine (true, the initial state) or interrupts the program. Callers:
 * any. */
void machine_set_restart_keys(bool restart);
/* Handles Ctrl+Alt+Del. Callers: interrupts. */
void machine_restart_keys(void);

/* Handles the power button: asks the program to end, and ends the machine itself after a timeout.
 * Callers: interrupts. */
void machine_power_button(void);

/* Defined above: */

/* Where media must be left clean first (fs/vfs/mount.c), has a thread do so, which then ends the machine with
 * the status: true. Callers: any. */
bool machine_ends_later(int status);

/* Power-off and restart by ACPI; return if there is no such way, or on failure
 * (dev/pc/acpi_power.c). */
void machine_firmware_power_off(void);
void machine_firmware_restart(void);
/* Waits for a key, returns with interrupts off; immediately if there is no keyboard
 * (dev/local/ps2.c). */
void machine_wait_for_key(void);
/* Send SIGTERM or SIGINT to process 1, if it exists. Callers: interrupts
 * (linux/process/sys_system.c). */
void machine_ask_program_to_end(void);
void machine_interrupt_program(void);
