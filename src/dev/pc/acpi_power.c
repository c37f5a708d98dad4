/* SPDX-License-Identifier: MIT */
#define LOG_TAG "acpi"
#include "dev/pc/acpi_power.h"

#include "base/compiler.h"
#include "base/log.h"
#include "cpu/apic.h"
#include "cpu/tsc.h"
#include "cpu/x86.h"
#include "dev/pc/acpi_tables.h"
#include "kern/machine.h"
#include "kern/time.h"
#include "mm/init/memory.h"
#include "parse/acpi.h"

enum {
    PM1_STATUS_POWER_BUTTON = 1 << 8, /* the same bit in the enable register */
    PM1_CONTROL_ACPI_MODE = 1,        /* SCI_EN */
    PM1_CONTROL_SLEEP_TYPE = 10,      /* shift */
    PM1_CONTROL_SLEEP_TYPE_MASK = 7 << PM1_CONTROL_SLEEP_TYPE,
    PM1_CONTROL_SLEEP = 1 << 13, /* SLP_EN */
};

#define FOREIGN_MAX 10000 /* interrupts of other devices in a second */

/* A register that can be accessed: a port, or mapped memory. */
struct pm_register {
    bool there;
    uint16_t port;
    volatile void *memory; /* NULL: use the port */
};

static struct acpi_power power;
static struct pm_register pm1a_control, pm1b_control, pm1_status, pm1_enable, reset_register;

/* `size` bytes wide, `offset` bytes into the block. */
static struct pm_register open_register(struct acpi_register r, uint64_t offset, size_t size)
{
    struct pm_register out = {.there = r.address != 0};
    uint64_t at = r.address + offset;
    if (out.there && r.memory) {
        out.memory = memory_map_physical(phys_range(at, at + size), prot_device());
        out.there = out.memory != NULL;
    } else if (out.there) {
        out.port = (uint16_t)at;
        out.there = at + size <= UINT16_MAX + UINT64_C(1);
    }
    return out;
}

static uint16_t read16(const struct pm_register *r)
{
    return r->memory != NULL ? *(volatile uint16_t *)r->memory : in16(r->port);
}

static void write16(const struct pm_register *r, uint16_t value)
{
    if (r->memory != NULL)
        *(volatile uint16_t *)r->memory = value;
    else
        out16(r->port, value);
}

static void sleep_now(const struct pm_register *control, unsigned type)
{
    if (!control->there)
        return;
    unsigned value = read16(control) & ~(unsigned)PM1_CONTROL_SLEEP_TYPE_MASK;
    write16(control, (uint16_t)(value | type << PM1_CONTROL_SLEEP_TYPE | PM1_CONTROL_SLEEP));
}

/* Enters S5. Returns only if that fails. */
void machine_firmware_power_off(void)
{
    if (!pm1a_control.there || !power.can_sleep)
        return;
    sleep_now(&pm1a_control, power.sleep_type_a);
    sleep_now(&pm1b_control, power.sleep_type_b);
    tsc_wait_ns(UINT64_C(500000000)); /* the transition may take a while */
}

void machine_firmware_restart(void)
{
    if (!reset_register.there)
        return;
    if (reset_register.memory != NULL)
        *(volatile uint8_t *)reset_register.memory = power.reset_value;
    else
        out8(reset_register.port, power.reset_value);
    tsc_wait_ns(UINT64_C(100000000));
}

/* Other devices may use the line. One that nothing serves holds it for ever: the line is masked. */
COLD static void acpi_foreign_interrupt(void)
{
    static unsigned foreign;
    static uint64_t since;
    uint64_t now = time_now_ns();
    if (now - since > NS_PER_SECOND) {
        since = now;
        foreign = 0;
    }
    if (++foreign == FOREIGN_MAX) {
        irq_mask(power.sci);
        log_warn("interrupt line %u is held by another device: no power button", power.sci);
    }
}

static void acpi_power_interrupt(void)
{
    if (!(read16(&pm1_status) & PM1_STATUS_POWER_BUTTON)) {
        acpi_foreign_interrupt();
        return;
    }
    write16(&pm1_status, PM1_STATUS_POWER_BUTTON); /* writing 1 clears it */
    machine_power_button();
}

/* Enables ACPI mode through the SMI command port unless it is enabled (ACPI 6.4, 4.8.2.5). False
 * on failure. */
static bool in_acpi_mode(void)
{
    if (read16(&pm1a_control) & PM1_CONTROL_ACPI_MODE)
        return true;
    if (power.smi_command == 0)
        return false;
    out8(power.smi_command, power.acpi_enable);
    for (unsigned ms = 0; ms < 1000; ms++) {
        if (read16(&pm1a_control) & PM1_CONTROL_ACPI_MODE)
            return true;
        tsc_wait_ns(1000000);
    }
    return false;
}

/* Switches off the events of which the interrupt handler knows nothing, and which firmware may have left on. */
static void mask_events(void)
{
    struct pm_register pm1b = open_register(power.pm1b_event, power.pm1_event_bytes / 2, 2);
    if (pm1b.there && power.pm1_event_bytes >= 4)
        write16(&pm1b, 0);
    for (size_t i = 0; i < ARRAY_LENGTH(power.gpe); i++)
        for (unsigned at = power.gpe_bytes[i] / 2u; at < power.gpe_bytes[i]; at++) {
            struct pm_register gpe = open_register(power.gpe[i], at, 1);
            if (gpe.there && gpe.memory != NULL)
                *(volatile uint8_t *)gpe.memory = 0;
            else if (gpe.there)
                out8(gpe.port, 0);
        }
}

static void watch_power_button(void)
{
    uint64_t half = power.pm1_event_bytes / 2;
    pm1_status = open_register(power.pm1a_event, 0, 2);
    pm1_enable = open_register(power.pm1a_event, half, 2);
    if (!pm1_status.there || !pm1_enable.there || power.sci > 15 || !in_acpi_mode())
        return;
    mask_events();
    irq_set_handler(power.sci, acpi_power_interrupt);
    write16(&pm1_status, PM1_STATUS_POWER_BUTTON);
    write16(&pm1_enable, PM1_STATUS_POWER_BUTTON);
}

static bool acpi_power_find_tables(const struct boot_info *boot)
{
    const char *why = "the loader says nothing of it";
    size_t size;
    const void *rsdp = acpi_tables_root(boot, &size);
    if (rsdp != NULL && acpi_read(rsdp, size, acpi_tables_map, NULL, &power, &why))
        return true;
    log_info("no ACPI: %s", why);
    return false;
}

void acpi_power_init(const struct boot_info *boot)
{
    if (!acpi_power_find_tables(boot))
        return;
    pm1a_control = open_register(power.pm1a_control, 0, 2);
    pm1b_control = open_register(power.pm1b_control, 0, 2);
    reset_register = open_register(power.reset, 0, 1);
    if (power.power_button && pm1a_control.there)
        watch_power_button();
}
