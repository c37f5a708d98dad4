/* SPDX-License-Identifier: MIT */
#include "kern/machine.h"

#include "base/fmt.h"
#include "cpu/features.h"
#include "cpu/x86.h"
#include "kern/console.h"
#include "kern/log.h"

enum {
    BOCHS_PORT = 0x8900,
    QEMU_PM1A_CONTROL = 0x604, /* of QEMU's pc and q35 machines */
    ACPI_S5_ENABLE = 0x2000,   /* SLP_EN, SLP_TYP 0, which both have for S5 */
    KEYBOARD_COMMAND = 0x64,
    KEYBOARD_RESET = 0xfe,
};

RO_AFTER_INIT static enum machine_exit_way exit_way = EXIT_POWER_OFF;
RO_AFTER_INIT static uint16_t exit_port;

void machine_set_exit(enum machine_exit_way way, uint16_t port)
{
    exit_way = way;
    exit_port = port;
}

static void reset(void)
{
    out8(KEYBOARD_COMMAND, KEYBOARD_RESET);
    for (volatile int i = 0; i < 1000000; i++)
        cpu_pause(); /* the reset line takes its time */
    static const struct PACKED {
        uint16_t limit;
        uint64_t base;
    } no_idt = {0, 0};
    __asm__ volatile("lidt %0; int3" : : "m"(no_idt)); /* triple fault */
}

static void power_off(int status)
{
    switch (exit_way) {
    case EXIT_DEBUG_PORT:
        out8(exit_port, (uint8_t)status);
        break;
    case EXIT_BOCHS:
        for (const char *p = "Shutdown"; *p; p++)
            out8(BOCHS_PORT, (uint8_t)*p);
        break;
    case EXIT_POWER_OFF:
        if (!cpu_features.hypervisor)
            break; /* these ports mean something else on a real PC */
        out16(QEMU_PM1A_CONTROL, ACPI_S5_ENABLE);
        reset();
        break;
    case EXIT_HALT:
        break;
    }
}

NORETURN void machine_exit(int status)
{
    char line[32];
    __asm__ volatile("cli");
    fmt_snprintf(line, sizeof line, "exit %d", status);
    console_tell_host(line);
    if (!console_is_framed())
        report("ouro: the program ended with status %d; the machine can be switched off", status);
    console_flush();
    power_off(status);
    cpu_halt_forever();
}

NORETURN void machine_restart(void)
{
    if (console_is_framed())
        machine_exit(0); /* who runs a program for its status does not want it to start again */
    reset();
    cpu_halt_forever();
}
