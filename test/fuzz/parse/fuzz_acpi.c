/* SPDX-License-Identifier: MIT */
/* Tables of any contents with correct checksums, so that the code behind the checks is reached. */
#include "acpi_memory.h"

#include "base/panic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seal(uint8_t *bytes, size_t size, size_t at)
{
    uint8_t sum = 0;
    bytes[at] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[at] = (uint8_t)-sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct acpi_memory memory;
    static const char *const names[] = {"XSDT", "RSDT", "FACP", "DSDT", "APIC", "MCFG"};
    struct acpi_power power;
    const char *why;
    uint8_t rsdp[36] = "RSD PTR ";
    uint32_t rsdt = ACPI_BASE + 0x400;
    uint64_t xsdt = ACPI_BASE;
    if (size < 4)
        return 0;
    memset(memory.bytes, 0, sizeof memory.bytes);
    memcpy(memory.bytes, data + 1, size - 1 < ACPI_MEMORY ? size - 1 : ACPI_MEMORY);
    rsdp[15] = data[0] & 2;
    memcpy(rsdp + 16, &rsdt, 4);
    memcpy(rsdp + 24, &xsdt, 8);
    seal(rsdp, 20, 8);
    seal(rsdp, 36, 32);
    for (unsigned i = 0; i < 6; i++) {
        uint8_t *table = memory.bytes + 0x400 * i;
        uint32_t length = (uint32_t)(table[4] | table[5] << 8) % 0x400;
        memcpy(table, names[i], 4);
        memcpy(table + 4, &length, 4);
        if (length >= 36)
            seal(table, length, 9);
    }
    if (acpi_read(rsdp, sizeof rsdp, acpi_memory_map, &memory, &power, &why))
        assert(power.sleep_type_a < 8 && power.sleep_type_b < 8);
    else
        assert(why != NULL);
    struct acpi_interrupts interrupts;
    if (acpi_read_interrupts(rsdp, sizeof rsdp, acpi_memory_map, &memory, &interrupts))
        assert(interrupts.count <= ACPI_IOAPICS_MAX);
    struct acpi_cpus cpus;
    if (acpi_read_cpus(rsdp, sizeof rsdp, acpi_memory_map, &memory, &cpus))
        assert(cpus.count <= ACPI_CPUS_MAX);
    struct acpi_pci pci;
    if (acpi_read_pci(rsdp, sizeof rsdp, acpi_memory_map, &memory, &pci))
        assert(pci.address != 0 && pci.first <= pci.last);
    struct acpi_clocks clocks;
    for (unsigned i = 0; i < 2; i++) {
        if (acpi_read_clocks(rsdp, sizeof rsdp, acpi_memory_map, &memory, &clocks))
            assert(clocks.hpet >> 52 == 0 && clocks.pm_timer.address >> 52 == 0);
        memcpy(memory.bytes + 0xc00, "HPET", 4); /* in the place of the DSDT */
        seal(memory.bytes + 0xc00, memory.bytes[0xc04] + 256u * memory.bytes[0xc05], 9);
    }
    acpi_memory_free(&memory);
    return 0;
}
