/* SPDX-License-Identifier: MIT */
/* The power button's interrupt line, with registers of a model: what firmware has left on there, and what others send. */
#include "unit.h"

#include "cpu/apic.h"
#include "cpu/tsc.h"
#include "cpu/x86.h"
#include "dev/pc/acpi_power.h"
#include "dev/pc/acpi_tables.h"
#include "kern/machine.h"
#include "kern/time.h"
#include "mm/init/memory.h"
#include "parse/acpi.h"

#include <string.h>

enum {
    PM1A = 0x400, /* status, then enable */
    PM1B = 0x410,
    CONTROL = 0x404,
    GPE = 0x420,
    GPE_BYTES = 4,
    PORTS = 0x500,
    MEMORY = 0x10000,
    MEMORY_BYTES = 64,
    BUTTON = 1 << 8,
    LINE = 9,
    NOTHING = 100,
};

static uint8_t port_bytes[PORTS], memory_bytes[MEMORY_BYTES];
static struct acpi_power tables;
static void (*handler)(void);
static unsigned presses, masked;
static uint64_t now;

uint8_t in8(uint16_t port)
{
    assert_true(port < PORTS);
    return port_bytes[port];
}

uint16_t in16(uint16_t port)
{
    return (uint16_t)(in8(port) | in8((uint16_t)(port + 1)) << 8);
}

void out8(uint16_t port, uint8_t value)
{
    assert_true(port < PORTS);
    bool status = (port & ~1) == PM1A || (port & ~1) == PM1B; /* writing 1 clears a bit */
    port_bytes[port] = status ? (uint8_t)(port_bytes[port] & ~value) : value;
}

void out16(uint16_t port, uint16_t value)
{
    out8(port, (uint8_t)value);
    out8((uint16_t)(port + 1), (uint8_t)(value >> 8));
}

const void *acpi_tables_root(const struct boot_info *boot, size_t *size)
{
    (void)boot;
    *size = sizeof tables;
    return &tables;
}

const void *acpi_tables_map(void *context, phys_t at, size_t size)
{
    (void)context;
    (void)at;
    (void)size;
    return NULL;
}

bool acpi_read(const void *rsdp, size_t size, acpi_map map, void *context, struct acpi_power *out,
               const char **why)
{
    (void)size;
    (void)map;
    (void)context;
    (void)why;
    memcpy(out, rsdp, sizeof *out);
    return true;
}

void *memory_map_physical(struct phys_range range, prot_t prot)
{
    (void)prot;
    assert_true(range.start.v >= MEMORY && range.end.v <= MEMORY + MEMORY_BYTES);
    return memory_bytes + (range.start.v - MEMORY);
}

void irq_set_handler(unsigned line, void (*to)(void))
{
    assert_int_equal(line, LINE);
    handler = to;
}

void irq_mask(unsigned line)
{
    masked = line;
}

uint64_t time_now_ns(void)
{
    return now;
}

void tsc_wait_ns(uint64_t ns)
{
    now += ns;
}

void machine_power_button(void)
{
    presses++;
}

static struct acpi_register at_port(uint64_t port)
{
    return (struct acpi_register){false, port};
}

static int start(void **state)
{
    (void)state;
    memset(port_bytes, 0xff, sizeof port_bytes);
    memset(memory_bytes, 0xff, sizeof memory_bytes);
    tables = (struct acpi_power){
        .pm1a_control = at_port(CONTROL),
        .pm1a_event = at_port(PM1A),
        .pm1b_event = at_port(PM1B),
        .pm1_event_bytes = 4,
        .gpe = {at_port(GPE), {true, MEMORY + 8}},
        .gpe_bytes = {GPE_BYTES, GPE_BYTES},
        .sci = LINE,
        .power_button = true,
    };
    handler = NULL;
    presses = 0;
    masked = NOTHING;
    now += 10 * NS_PER_SECOND;
    acpi_power_init(NULL);
    assert_non_null(handler);
    return 0;
}

/* Firmware has left each event on: only the power button's stays so, and no other register is written. */
static void test_foreign_events_are_off(void **state)
{
    (void)state;
    assert_int_equal(in16(PM1A + 2), BUTTON);
    assert_int_equal(in16(PM1B + 2), 0);
    assert_int_equal(in16(PM1B), 0xffff);
    for (unsigned i = 0; i < GPE_BYTES; i++) {
        assert_int_equal(port_bytes[GPE + i], i < GPE_BYTES / 2 ? 0xff : 0);
        assert_int_equal(memory_bytes[8 + i], i < GPE_BYTES / 2 ? 0xff : 0);
    }
    assert_int_equal(port_bytes[GPE - 1] & port_bytes[GPE + GPE_BYTES], 0xff);
    assert_int_equal(memory_bytes[7] & memory_bytes[8 + GPE_BYTES], 0xff);
}

/* A status register of which firmware says that it has no enable register, and none of a second chip. */
static void test_absent_events(void **state)
{
    (void)state;
    memset(port_bytes, 0xff, sizeof port_bytes);
    tables.pm1b_event = tables.gpe[0] = tables.gpe[1] = (struct acpi_register){false, 0};
    acpi_power_init(NULL);
    assert_int_equal(in16(PM1A + 2), BUTTON);
    assert_int_equal(in16(PM1B + 2) & in16(GPE + 2) & in16(0), 0xffff);
}

static void press(void)
{
    port_bytes[PM1A + 1] |= BUTTON >> 8;
    handler();
}

/* The line is shared: others' interrupts are no presses, however many they are in a long time. */
static void test_line_is_shared(void **state)
{
    (void)state;
    port_bytes[PM1A] = 0xff; /* a timer's status, which no one has enabled */
    port_bytes[PM1A + 1] &= (uint8_t) ~(BUTTON >> 8);
    for (unsigned i = 0; i < 100000; i++, now += NS_PER_SECOND / 5000)
        handler();
    assert_int_equal(presses, 0);
    assert_int_equal(masked, NOTHING);
    press();
    assert_int_equal(presses, 1);
    assert_int_equal(in16(PM1A) & BUTTON, 0);
    assert_int_equal(port_bytes[PM1A], 0xff);
    handler();
    assert_int_equal(presses, 1);
}

/* A device that nothing serves holds the line: without the mask the machine would do nothing else. */
static void test_held_line_is_masked(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 9999; i++, now += 1000)
        handler();
    assert_int_equal(masked, NOTHING);
    handler();
    assert_int_equal(masked, LINE);
    assert_int_equal(presses, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_foreign_events_are_off, start),
        cmocka_unit_test_setup(test_absent_events, start),
        cmocka_unit_test_setup(test_line_is_shared, start),
        cmocka_unit_test_setup(test_held_line_is_masked, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
