/* SPDX-License-Identifier: MIT */
#include "dev/pci/pci_machine.h"

#include "cpu/mmio.h"
#include "mm/init/memory.h"
#include "parse/acpi.h"

enum {
    CONFIG_ADDRESS = 0xcf8,
    CONFIG_DATA = 0xcfc,
    RSDP_READ = 36,
    CLASS = 0x08,    /* class and subclass in the high half */
    MAPPED_MAX = 16, /* buses; others look empty */
    BUS_SHIFT = 20,  /* of addresses in memory */
    FUNCTION_SHIFT = 12,
    FUNCTIONS_MAX = 64, /* that are listed */
};

#define CONFIG_ENABLE (UINT32_C(1) << 31)

/* --- ports --- */

static void port_out(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static uint32_t port_in(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* An access takes two steps. */
static void config_select(pci_function function, uint8_t offset)
{
    port_out(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)function << 8 | (offset & 0xfc));
}

static uint32_t pci_port_read(pci_function function, uint8_t offset)
{
    config_select(function, offset);
    return port_in(CONFIG_DATA);
}

static void pci_port_write(pci_function function, uint8_t offset, uint32_t value)
{
    config_select(function, offset);
    port_out(CONFIG_DATA, value);
}

static const struct pci_access ports = {pci_port_read, pci_port_write};

/* --- memory --- */

static struct acpi_pci ecam;
static struct {
    uint8_t bus;
    volatile char *at;
} mapped[MAPPED_MAX];
static unsigned mapped_count;

/* NULL: no such bus, or no memory to map it. O(MAPPED_MAX). */
static volatile char *ecam_at(pci_function function, uint8_t offset)
{
    uint8_t bus = (uint8_t)(function >> 8);
    unsigned i = 0;
    while (i < mapped_count && mapped[i].bus != bus)
        i++;
    if (i == mapped_count) {
        if (bus < ecam.first || bus > ecam.last || i == MAPPED_MAX)
            return NULL;
        uint64_t start = ecam.address + ((uint64_t)bus << BUS_SHIFT);
        mapped[i].bus = bus;
        mapped[i].at = memory_map_physical(phys_range(start, start + (UINT64_C(1) << BUS_SHIFT)),
                                           prot_device());
        mapped_count++;
    }
    if (mapped[i].at == NULL)
        return NULL;
    return mapped[i].at + ((size_t)(function & 0xff) << FUNCTION_SHIFT) + offset;
}

static uint32_t ecam_read(pci_function function, uint8_t offset)
{
    const volatile char *at = ecam_at(function, offset);
    return at != NULL ? mmio_read32(at) : UINT32_MAX;
}

static void ecam_write(pci_function function, uint8_t offset, uint32_t value)
{
    volatile char *at = ecam_at(function, offset);
    if (at != NULL)
        mmio_write32(at, value);
}

static const struct pci_access memory = {ecam_read, ecam_write};

static const void *pci_map_table(void *context, phys_t at, size_t size)
{
    (void)context;
    return memory_map_physical(phys_range(at.v, at.v + size), prot_ro());
}

INIT_CODE static const struct pci_access *pci_choose(const struct boot_info *boot)
{
    const void *rsdp = boot->rsdp_copy;
    size_t size = boot->rsdp_length;
    if (size == 0 && boot->rsdp.v != 0) {
        size = RSDP_READ;
        rsdp = pci_map_table(NULL, boot->rsdp, size);
    }
    if (size != 0 && rsdp != NULL && acpi_read_pci(rsdp, size, pci_map_table, NULL, &ecam))
        return &memory;
    port_out(CONFIG_ADDRESS, CONFIG_ENABLE);
    return port_in(CONFIG_ADDRESS) == CONFIG_ENABLE ? &ports : NULL;
}

/* --- functions --- */

INIT_DATA static struct {
    const struct pci_access *access;
    unsigned count;
    bool looked;
    uint32_t id[FUNCTIONS_MAX];
    pci_function function[FUNCTIONS_MAX];
} pci;

INIT_CODE static bool list_function(void *context, pci_function function, uint32_t id)
{
    (void)context;
    pci.function[pci.count] = function;
    pci.id[pci.count++] = id;
    return pci.count < FUNCTIONS_MAX;
}

INIT_CODE const struct pci_access *pci_start(const struct boot_info *boot)
{
    if (!pci.looked) {
        pci.looked = true;
        pci.access = pci_choose(boot);
        if (pci.access != NULL)
            pci_each(pci.access, list_function, NULL);
    }
    return pci.access;
}

INIT_CODE bool pci_find(uint32_t id, pci_function *out)
{
    for (unsigned i = 0; i < pci.count; i++) {
        if (pci.id[i] != id)
            continue;
        pci.id[i] = 0;
        *out = pci.function[i];
        return true;
    }
    return false;
}

INIT_CODE bool pci_find_class(uint16_t class, pci_function *out)
{
    for (unsigned i = 0; i < pci.count; i++) {
        if (pci.id[i] == 0 || pci.access->read(pci.function[i], CLASS) >> 16 != class)
            continue;
        pci.id[i] = 0;
        *out = pci.function[i];
        return true;
    }
    return false;
}
