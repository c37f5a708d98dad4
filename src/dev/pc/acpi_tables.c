/* SPDX-License-Identifier: MIT */
#include "dev/pc/acpi_tables.h"

#include "mm/init/memory.h"

#define RSDP_READ 36

const void *acpi_tables_map(void *context, phys_t at, size_t size)
{
    (void)context;
    return memory_map_physical(phys_range(at.v, at.v + size), prot_ro());
}

const void *acpi_tables_root(const struct boot_info *boot, size_t *size)
{
    *size = boot->rsdp_length;
    if (*size != 0)
        return boot->rsdp_copy;
    *size = RSDP_READ;
    return boot->rsdp.v != 0 ? acpi_tables_map(NULL, boot->rsdp, RSDP_READ) : NULL;
}
