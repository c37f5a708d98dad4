/* SPDX-License-Identifier: MIT */
#define LOG_TAG "cpu"
#include "dev/pc/cpus.h"

#include "base/log.h"
#include "cpu/cpus.h"
#include "dev/pc/acpi_tables.h"
#include "kern/cpus.h"
#include "parse/acpi.h"

INIT_CODE void machine_cpus_start(const struct boot_info *boot, unsigned wanted)
{
    INIT_DATA static struct acpi_cpus list;
    size_t size;
    bool limited = wanted != 0;
    const void *rsdp = acpi_tables_root(boot, &size);
    if (rsdp == NULL || !acpi_read_cpus(rsdp, size, acpi_tables_map, NULL, &list))
        log_warn("the firmware has no table of the cpus: one runs");
    else if (cpus_start(&list, limited ? wanted : CPUS_MAX) != E_OK)
        log_warn("too little memory for more than %u cpus", cpus_online);
    else if (cpus_online < wanted && limited)
        log_warn("cpus=%u: the machine has %u", wanted, cpus_online);
}
