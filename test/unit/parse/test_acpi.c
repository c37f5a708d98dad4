/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "acpi_memory.h"

static struct acpi_memory memory;
static uint8_t rsdp[36];

enum {
    RSDT = 0x100,
    XSDT = 0x200,
    FADT = 0x400,
    DSDT = 0x800,
    HPET = 0x900,
};

static void put32(unsigned at, uint32_t v)
{
    memcpy(memory.bytes + at, &v, 4);
}

static void put64(unsigned at, uint64_t v)
{
    memcpy(memory.bytes + at, &v, 8);
}

static uint8_t missing(const uint8_t *bytes, size_t size)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return (uint8_t)-sum;
}

static void seal(unsigned at)
{
    uint32_t size;
    memcpy(&size, memory.bytes + at + 4, 4);
    memory.bytes[at + 9] = 0;
    memory.bytes[at + 9] = missing(memory.bytes + at, size);
}

static void table(unsigned at, const char *name, uint32_t size)
{
    memcpy(memory.bytes + at, name, 4);
    put32(at + 4, size);
}

static void gas(unsigned at, uint8_t space, uint64_t address)
{
    memory.bytes[at] = space;
    put64(at + 4, address);
}

static void seal_rsdp(void)
{
    rsdp[8] = 0;
    rsdp[8] = missing(rsdp, 20);
    rsdp[32] = 0;
    rsdp[32] = missing(rsdp, 36);
}

/* Tables similar to those of QEMU's machines. */
static int setup(void **state)
{
    (void)state;
    static const uint8_t s5[] = {0x08, '_',  'S',  '5',  '_',  0x12, 0x08,
                                 0x04, 0x0a, 0x05, 0x0a, 0x07, 0,    0};
    memset(&memory, 0, sizeof memory);
    memset(rsdp, 0, sizeof rsdp);
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = 2;
    uint32_t rsdt = ACPI_BASE + RSDT;
    uint64_t xsdt = ACPI_BASE + XSDT;
    memcpy(rsdp + 16, &rsdt, 4);
    rsdp[20] = 36;
    memcpy(rsdp + 24, &xsdt, 8);
    seal_rsdp();
    table(RSDT, "RSDT", 36 + 4);
    put32(RSDT + 36, ACPI_BASE + FADT);
    seal(RSDT);
    table(XSDT, "XSDT", 36 + 16);
    put64(XSDT + 36, 0x123); /* not present in memory */
    put64(XSDT + 44, ACPI_BASE + FADT);
    seal(XSDT);
    table(FADT, "FACP", 244);
    put32(FADT + 40, ACPI_BASE + DSDT);
    memory.bytes[FADT + 46] = 9;
    put32(FADT + 48, 0xb2);
    memory.bytes[FADT + 52] = 2;
    put32(FADT + 56, 0x600);
    put32(FADT + 64, 0x604);
    memory.bytes[FADT + 88] = 4;
    put32(FADT + 112, 1 << 10);
    gas(FADT + 116, 1, 0xcf9);
    memory.bytes[FADT + 128] = 0x0f;
    seal(FADT);
    table(DSDT, "DSDT", 0x100);
    memcpy(memory.bytes + DSDT + 0x80, s5, sizeof s5);
    return 0;
}

static bool read_tables(struct acpi_power *out)
{
    const char *why = NULL;
    bool ok = acpi_read(rsdp, sizeof rsdp, acpi_memory_map, &memory, out, &why);
    acpi_memory_free(&memory);
    assert_true(ok || why != NULL);
    return ok;
}

static void expect_all(void)
{
    struct acpi_power p;
    assert_true(read_tables(&p));
    assert_true(p.can_sleep);
    assert_int_equal(p.sleep_type_a, 5);
    assert_int_equal(p.sleep_type_b, 7);
    assert_int_equal(p.pm1a_control.address, 0x604);
    assert_int_equal(p.pm1b_control.address, 0);
    assert_int_equal(p.reset.address, 0xcf9);
    assert_int_equal(p.reset_value, 0x0f);
    assert_int_equal(p.sci, 9);
    assert_int_equal(p.smi_command, 0xb2);
    assert_true(p.power_button);
}

static void test_xsdt_alone_is_enough(void **state)
{
    (void)state;
    memset(memory.bytes + RSDT, 0, 36);
    expect_all();
}

static void test_rsdt_when_there_is_no_other(void **state)
{
    (void)state;
    rsdp[15] = 0;
    seal_rsdp();
    memset(memory.bytes + XSDT, 0, 36);
    expect_all();
}

static void test_rsdt_when_the_xsdt_is_broken(void **state)
{
    (void)state;
    memory.bytes[XSDT + 9]++;
    expect_all();
}

static void test_extended_fields_come_first(void **state)
{
    (void)state;
    struct acpi_power p;
    gas(FADT + 172, 0, 0xfed00000);
    put64(FADT + 140, ACPI_BASE + DSDT);
    put32(FADT + 40, 0);
    seal(FADT);
    assert_true(read_tables(&p));
    assert_true(p.pm1a_control.memory);
    assert_int_equal(p.pm1a_control.address, 0xfed00000);
    assert_true(p.can_sleep);
}

/* A MADT behind the FADT, with an entry of another type before each I/O APIC. */
static void add_madt(uint8_t entries)
{
    enum {
        MADT = 0xc00
    };
    unsigned at = MADT + 44;
    for (uint8_t i = 0; i < entries; i++) {
        memory.bytes[at + 1] = 8; /* a local APIC */
        memory.bytes[at + 8] = 1;
        memory.bytes[at + 9] = 12;
        put32(at + 12, 0xfec00000 + 0x10000u * i);
        put32(at + 16, 24u * i);
        at += 20;
    }
    table(MADT, "APIC", at - MADT);
    seal(MADT);
    table(RSDT, "RSDT", 36 + 8);
    put32(RSDT + 40, ACPI_BASE + MADT);
    seal(RSDT);
    table(XSDT, "XSDT", 36 + 16);
    put64(XSDT + 44, ACPI_BASE + MADT);
    seal(XSDT);
}

static bool read_interrupts(struct acpi_interrupts *out)
{
    bool good = acpi_read_interrupts(rsdp, sizeof rsdp, acpi_memory_map, &memory, out);
    acpi_memory_free(&memory);
    return good;
}

static void test_ioapics(void **state)
{
    (void)state;
    struct acpi_interrupts interrupts;
    assert_false(read_interrupts(&interrupts));
    add_madt(2);
    assert_true(read_interrupts(&interrupts));
    assert_int_equal(interrupts.count, 2);
    assert_int_equal(interrupts.ioapic[1].address, 0xfec10000);
    assert_int_equal(interrupts.ioapic[1].first, 24);
    add_madt(ACPI_IOAPICS_MAX + 1);
    assert_true(read_interrupts(&interrupts));
    assert_int_equal(interrupts.count, ACPI_IOAPICS_MAX);
    static const uint8_t lengths[] = {0, 1, 9};
    for (size_t i = 0; i < sizeof lengths; i++) {
        add_madt(1);
        memory.bytes[0xc00 + 44 + 1] = lengths[i];
        memory.bytes[0xc00 + 44 + 10] = i == 2 ? 255 : 0;
        seal(0xc00);
        assert_false(read_interrupts(&interrupts));
    }
}

static bool read_cpus(struct acpi_cpus *out)
{
    bool good = acpi_read_cpus(rsdp, sizeof rsdp, acpi_memory_map, &memory, out);
    acpi_memory_free(&memory);
    return good;
}

/* One entry of the MADT, at the end of those that are there. */
static void add_cpu(uint32_t *at, uint32_t type, uint32_t id, uint32_t flags)
{
    uint32_t length = type == 9 ? 16 : 8, entry = 0xc00 + *at;
    memory.bytes[entry] = (uint8_t)type;
    memory.bytes[entry + 1] = (uint8_t)length;
    if (type == 0)
        memory.bytes[entry + 3] = (uint8_t)id;
    else
        put32(entry + 4, id);
    put32(entry + (type == 9 ? 8 : 4), flags);
    *at += length;
    put32(0xc00 + 4, *at);
    seal(0xc00);
}

static void test_cpus(void **state)
{
    (void)state;
    struct acpi_cpus cpus;
    uint32_t at = 44;
    add_madt(0);
    add_cpu(&at, 0, 3, 1);
    add_cpu(&at, 0, 4, 0); /* disabled */
    add_cpu(&at, 9, 3, 1); /* the same again */
    add_cpu(&at, 9, 300, 1);
    assert_true(read_cpus(&cpus));
    assert_int_equal(cpus.count, 2);
    assert_int_equal(cpus.apic_id[0], 3);
    assert_int_equal(cpus.apic_id[1], 300);
    memory.bytes[0xc00 + 44 + 1] = 1; /* no entry is so short */
    seal(0xc00);
    assert_false(read_cpus(&cpus));
}

static void test_pci_in_memory(void **state)
{
    (void)state;
    enum {
        MCFG = 0xc00
    };
    static const struct {
        uint64_t address;
        uint8_t segment, first, last;
        bool good;
    } cases[] = {
        {0xb0000000, 0, 0, 255, true},  {0xb0000000, 0, 7, 7, true},
        {0xb0000000, 1, 0, 255, false}, /* another segment */
        {0xb0080000, 0, 0, 255, false}, /* not aligned */
        {0, 0, 0, 255, false},          {UINT64_C(1) << 51, 0, 0, 255, false},
        {0xb0000000, 0, 8, 7, false},
    };
    struct acpi_pci pci;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setup(NULL);
        put64(MCFG + 44, 0xc0000000); /* the first entry is of segment 3 */
        memory.bytes[MCFG + 52] = 3;
        put64(MCFG + 60, cases[i].address);
        memory.bytes[MCFG + 68] = cases[i].segment;
        memory.bytes[MCFG + 70] = cases[i].first;
        memory.bytes[MCFG + 71] = cases[i].last;
        table(MCFG, "MCFG", 44 + 32);
        seal(MCFG);
        table(RSDT, "RSDT", 36 + 8);
        put32(RSDT + 40, ACPI_BASE + MCFG);
        seal(RSDT);
        bool good = acpi_read_pci(rsdp, sizeof rsdp, acpi_memory_map, &memory, &pci);
        acpi_memory_free(&memory);
        assert_int_equal(good, cases[i].good);
        if (good)
            assert_true(pci.address == cases[i].address && pci.first == cases[i].first &&
                        pci.last == cases[i].last);
    }
}

static void test_power_button_of_aml_only(void **state)
{
    (void)state;
    struct acpi_power p;
    put32(FADT + 112, 1 << 10 | 1 << 4);
    seal(FADT);
    assert_true(read_tables(&p));
    assert_false(p.power_button);
}

static size_t mapped_bytes;

static const void *count_map(void *context, phys_t at, size_t size)
{
    mapped_bytes += size;
    return acpi_memory_map(context, at, size);
}

/* Tables that are not looked for cost their headers, whatever size they claim. */
static void test_foreign_tables_are_not_read(void **state)
{
    (void)state;
    struct acpi_power power;
    const char *why;
    for (unsigned i = 0; i < 200; i++)
        put64(0x2000 + 36 + 8 * i, ACPI_BASE + 0x1000);
    put64(0x2000 + 36 + 8 * 200, ACPI_BASE + FADT);
    table(0x2000, "XSDT", 36 + 8 * 201);
    seal(0x2000);
    table(0x1000, "SSDT", 0x1000);
    uint64_t xsdt = ACPI_BASE + 0x2000;
    memcpy(rsdp + 24, &xsdt, 8);
    seal_rsdp();
    mapped_bytes = 0;
    assert_true(acpi_read(rsdp, sizeof rsdp, count_map, &memory, &power, &why));
    assert_true(mapped_bytes < 0x1000 + 201 * 40);
    acpi_memory_free(&memory);
}

/* A table whose checksum is looked at has a bound; an SCI's other sources are found. */
static void test_events_of_other_chips(void **state)
{
    (void)state;
    struct acpi_power power;
    const char *why;
    put32(FADT + 60, 0xb010);
    put32(FADT + 80, 0xb020);
    put32(FADT + 84, 0xb040);
    memory.bytes[FADT + 92] = 4;
    memory.bytes[FADT + 93] = 8;
    seal(FADT);
    assert_true(acpi_read(rsdp, sizeof rsdp, acpi_memory_map, &memory, &power, &why));
    assert_int_equal(power.pm1b_event.address, 0xb010);
    assert_int_equal(power.gpe[0].address, 0xb020);
    assert_int_equal(power.gpe[1].address, 0xb040);
    assert_int_equal(power.gpe_bytes[0], 4);
    assert_int_equal(power.gpe_bytes[1], 8);
    acpi_memory_free(&memory);
}

static void test_broken_tables_are_refused(void **state)
{
    (void)state;
    struct acpi_power p;
    memory.bytes[FADT + 9]++;
    assert_false(read_tables(&p));
    setup(NULL);
    table(FADT, "FACP", 100);
    seal(FADT);
    assert_false(read_tables(&p));
    setup(NULL);
    rsdp[3] = 'x';
    assert_false(read_tables(&p));
    setup(NULL);
    rsdp[10]++;
    assert_false(read_tables(&p));
    setup(NULL);
    put32(RSDT + 4, 0xffffffff);
    put32(XSDT + 4, 8);
    assert_false(read_tables(&p));
}

static void test_a_package_that_is_none(void **state)
{
    (void)state;
    struct acpi_power p;
    memory.bytes[DSDT + 0x85] = 0x11;
    assert_true(read_tables(&p));
    assert_false(p.can_sleep);
    setup(NULL);
    put32(DSDT + 4, 0x86); /* ends within it */
    assert_true(read_tables(&p));
    assert_false(p.can_sleep);
}

static bool read_clocks(struct acpi_clocks *out)
{
    bool ok = acpi_read_clocks(rsdp, sizeof rsdp, acpi_memory_map, &memory, out);
    acpi_memory_free(&memory);
    return ok;
}

/* A PM timer in the FADT, and an HPET. */
static void add_clocks(void)
{
    put32(FADT + 76, 0x608);
    memory.bytes[FADT + 91] = 4;
    seal(FADT);
    table(HPET, "HPET", 56);
    gas(HPET + 40, 0, 0xfed00000);
    seal(HPET);
    put64(XSDT + 36, ACPI_BASE + HPET);
    seal(XSDT);
}

static void test_clocks_are_found(void **state)
{
    (void)state;
    struct acpi_clocks c;
    add_clocks();
    assert_true(read_clocks(&c));
    assert_int_equal(c.hpet, 0xfed00000);
    assert_false(c.pm_timer.memory);
    assert_int_equal(c.pm_timer.address, 0x608);
    assert_int_equal(c.pm_timer_mask, 0xffffff);
    put32(FADT + 112, 1 << 8);
    gas(FADT + 208, 0, 0xfe000008);
    seal(FADT);
    assert_true(read_clocks(&c));
    assert_true(c.pm_timer.memory);
    assert_int_equal(c.pm_timer.address, 0xfe000008);
    assert_int_equal(c.pm_timer_mask, UINT32_MAX);
}

static void test_broken_clocks_are_refused(void **state)
{
    (void)state;
    struct acpi_clocks c;
    assert_false(read_clocks(&c)); /* there are none */
    add_clocks();
    memory.bytes[HPET + 9]++;
    assert_true(read_clocks(&c)); /* one of two is left */
    assert_int_equal(c.hpet, 0);
    memory.bytes[FADT + 91] = 2;
    seal(FADT);
    assert_false(read_clocks(&c));
    setup(NULL);
    add_clocks();
    gas(HPET + 40, 1, 0xfed00000); /* in the space of ports */
    put32(FADT + 76, 0x10608);     /* beyond it */
    seal(HPET);
    seal(FADT);
    assert_false(read_clocks(&c));
    setup(NULL);
    add_clocks();
    table(HPET, "HPET", 50); /* ends within the address */
    seal(HPET);
    assert_true(read_clocks(&c));
    assert_int_equal(c.hpet, 0);
    rsdp[10]++;
    assert_false(read_clocks(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_xsdt_alone_is_enough, setup),
        cmocka_unit_test_setup(test_rsdt_when_there_is_no_other, setup),
        cmocka_unit_test_setup(test_rsdt_when_the_xsdt_is_broken, setup),
        cmocka_unit_test_setup(test_extended_fields_come_first, setup),
        cmocka_unit_test_setup(test_ioapics, setup),
        cmocka_unit_test_setup(test_cpus, setup),
        cmocka_unit_test_setup(test_pci_in_memory, setup),
        cmocka_unit_test_setup(test_power_button_of_aml_only, setup),
        cmocka_unit_test_setup(test_foreign_tables_are_not_read, setup),
        cmocka_unit_test_setup(test_events_of_other_chips, setup),
        cmocka_unit_test_setup(test_broken_tables_are_refused, setup),
        cmocka_unit_test_setup(test_a_package_that_is_none, setup),
        cmocka_unit_test_setup(test_clocks_are_found, setup),
        cmocka_unit_test_setup(test_broken_clocks_are_refused, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
