/* SPDX-License-Identifier: MIT */
#include "kern/machine.h"

#include "base/fmt.h"
#include "cpu/features.h"
#include "cpu/tsc.h"
#include "cpu/x86.h"
#include "kern/console.h"
#include "kern/console_frame.h"
#include "kern/log.h"
#include "kern/sysrq.h"
#include "kern/time.h"
#include "kern/watchdog.h"

enum {
    BOCHS_PORT = 0x8900,
    QEMU_PM1A_CONTROL = 0x604, /* QEMU's pc and q35 */
    ACPI_S5_ENABLE = 0x2000,   /* SLP_EN, SLP_TYP 0: S5 on both */
    KEYBOARD_COMMAND = 0x64,
    KEYBOARD_RESET = 0xfe,
    RESET_CONTROL = 0xcf9, /* PC chip sets: 2 selects a hard reset, 4 starts it */
    STATUS_TERMINATED = 128 + 15,
};

#define POWER_BUTTON_PATIENCE (10 * NS_PER_SECOND)

RO_AFTER_INIT static enum machine_exit_way exit_way;
RO_AFTER_INIT static uint16_t exit_port;
RO_AFTER_INIT static unsigned panic_seconds;
static bool keys_interrupt; /* Ctrl+Alt+Del interrupts the program */
static struct timer patience;

void machine_set_exit(enum machine_exit_way way, uint16_t port, unsigned seconds)
{
    exit_way = way;
    exit_port = port;
    panic_seconds = seconds;
}

/* The most reliable way first: the firmware's, then those of older PCs. */
static void reset(void)
{
    machine_firmware_restart();
    out8(KEYBOARD_COMMAND, KEYBOARD_RESET);
    tsc_wait_ns(NS_PER_SECOND / 10); /* the reset takes time */
    out8(RESET_CONTROL, 2);
    out8(RESET_CONTROL, 6);
    tsc_wait_ns(NS_PER_SECOND / 10);
    static const struct PACKED {
        uint16_t limit;
        uint64_t base;
    } no_idt = {0, 0};
    __asm__ volatile("lidt %0; int3" : : "m"(no_idt)); /* triple fault */
}

static void say_halted(void)
{
    report("ouro: the machine can be switched off");
    console_flush();
}

static void kern_machine_power_off(void)
{
    machine_firmware_power_off();
    if (cpu_features.hypervisor) { /* the ports have other uses on a real PC */
        out16(QEMU_PM1A_CONTROL, ACPI_S5_ENABLE);
        reset(); /* with -no-reboot, a reset ends a virtual machine */
    }
    say_halted();
}

static enum machine_exit_way way_here(void)
{
    if (exit_way != EXIT_DEFAULT)
        return exit_way;
    return cpu_features.hypervisor ? EXIT_POWER_OFF : EXIT_KEY;
}

static void key(const char *what_then)
{
    if (!sysrq_present())
        return;
    report("ouro: press a key to %s", what_then);
    console_flush();
    machine_wait_for_key();
}

NORETURN static void end(int status)
{
    switch (way_here()) {
    case EXIT_DEBUG_PORT:
        out8(exit_port, (uint8_t)status);
        break;
    case EXIT_BOCHS:
        for (const char *p = "Shutdown"; *p; p++)
            out8(BOCHS_PORT, (uint8_t)*p);
        break;
    case EXIT_KEY:
        key("switch the machine off");
        kern_machine_power_off();
        break;
    case EXIT_POWER_OFF:
        kern_machine_power_off();
        break;
    case EXIT_HALT:
    case EXIT_DEFAULT:
        say_halted();
        break;
    }
    cpu_halt_forever();
}

static void tell(int status)
{
    char line[32];
    fmt_snprintf(line, sizeof line, "exit %d", status);
    console_tell_host(line);
}

NORETURN void machine_exit(int status)
{
    __asm__ volatile("cli");
    watchdog_stop();
    tell(status);
    if (!console_is_framed())
        report("ouro: the program ended with status %d", status);
    console_flush();
    end(status);
}

NORETURN void machine_end_panic(void)
{
    __asm__ volatile("cli");
    watchdog_stop();
    console_leave_port();
    tell(FRAME_KERNEL_EXIT);
    console_flush();
    if (panic_seconds > 0) {
        report("ouro: restarting in %u seconds", panic_seconds);
        console_flush();
        tsc_wait_ns(panic_seconds * NS_PER_SECOND);
        reset();
    }
    end(FRAME_KERNEL_EXIT);
}

/* Ends the machine at once where the host tool waits for a status. */
static void exit_for_host(void)
{
    __asm__ volatile("cli");
    watchdog_stop();
    if (console_is_framed())
        machine_exit(0);
    console_flush();
}

NORETURN void machine_restart(void)
{
    exit_for_host();
    reset();
    cpu_halt_forever();
}

NORETURN void machine_power_off(void)
{
    exit_for_host();
    kern_machine_power_off();
    cpu_halt_forever();
}

NORETURN void machine_halt(void)
{
    exit_for_host();
    say_halted();
    cpu_halt_forever();
}

void machine_set_restart_keys(bool restart)
{
    keys_interrupt = !restart;
}

void machine_restart_keys(void)
{
    if (!keys_interrupt)
        machine_restart();
    machine_interrupt_program();
}

static void too_late(struct timer *timer)
{
    static bool again; /* the media do not answer either */
    if (!again) {
        report("ouro: the program did not end when the power button asked it to");
        again = true;
        if (machine_ends_later(STATUS_TERMINATED)) {
            timer_start(timer, time_now_ns() + POWER_BUTTON_PATIENCE);
            return;
        }
    }
    machine_exit(STATUS_TERMINATED);
}

void machine_power_button(void)
{
    if (patience.armed)
        return;
    report("ouro: the power button was pressed");
    timer_init(&patience, too_late);
    timer_start(&patience, time_now_ns() + POWER_BUTTON_PATIENCE);
    machine_ask_program_to_end();
}
