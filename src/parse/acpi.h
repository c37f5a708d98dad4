/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables, as far as Ouro needs them (ACPI 6.4, chapters 4 and 5): power off, restart, the
 * power button, clocks, the I/O APICs and the place of PCI's configuration space. Pure: physical memory
 * is read through a function that maps it.
 *
 *   RSDP --> XSDT or RSDT --> FADT --> DSDT (for the sleep type of \_S5)
 *                         \-> HPET, MADT, MCFG
 *
 * The tables are untrusted: lengths, sums and addresses are checked, and each loop over a table has
 * a bound. Reading one maps at most 512 headers, sums at most 16 MiB, and searches at most 4 MiB (a DSDT).
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes [at, at + size) readable; NULL if that fails. */
typedef const void *(*acpi_map)(void *context, phys_t at, size_t size);

/* A register (Generic Address Structure); port I/O or memory. */
struct acpi_register {
    bool memory;
    uint64_t address; /* 0: no register */
};

struct acpi_power {
    struct acpi_register pm1a_control, pm1b_control; /* 16 bits wide */
    struct acpi_register pm1a_event; /* status register, then enable register, of equal size */
    struct acpi_register pm1b_event; /* the same of a second chip, or none */
    uint8_t pm1_event_bytes;         /* size of both; usually 4 */
    struct acpi_register gpe[2];     /* general events: status bytes, then as many enable bytes */
    uint8_t gpe_bytes[2];            /* size of both */
    bool can_sleep;                  /* sleep_type_a and sleep_type_b are valid */
    uint8_t sleep_type_a, sleep_type_b; /* SLP_TYP of S5 */
    struct acpi_register reset;         /* 8 bits wide */
    uint8_t reset_value;
    uint16_t smi_command; /* port; 0: the hardware is always in ACPI mode */
    uint8_t acpi_enable;  /* the value for smi_command that enables ACPI mode */
    uint16_t sci;         /* interrupt line of the System Control Interrupt */
    bool power_button;    /* the power button is a fixed event, not an AML control method */
};

struct acpi_clocks {
    struct acpi_register pm_timer; /* 32 bits wide; counts at ACPI_PM_TIMER_HZ */
    uint32_t pm_timer_mask;        /* of the bits that count: 24 or 32 */
    uint64_t hpet;                 /* physical address of the HPET's registers; 0: none */
};

#define ACPI_PM_TIMER_HZ 3579545

/* `rsdp` is a copy of the RSDP, of `size` bytes. False, with a reason in *why, if there is no valid
 * FADT. Fields that the tables do not describe are zero. */
MUST_CHECK bool acpi_read(const void *rsdp, size_t size, acpi_map map, void *context,
                          struct acpi_power *out, const char **why);
/* The same for clocks. False if there is none. */
MUST_CHECK bool acpi_read_clocks(const void *rsdp, size_t size, acpi_map map, void *context,
                                 struct acpi_clocks *out);

#define ACPI_IOAPICS_MAX 8

/* Where interrupts enter (MADT, ACPI 6.4, 5.2.12). A GSI is a number of an input, over all I/O
 * APICs. */
struct acpi_interrupts {
    unsigned count;
    struct {
        uint32_t address; /* physical, of the registers */
        uint32_t first;   /* GSI of its first input */
    } ioapic[ACPI_IOAPICS_MAX];
};

/* False if there is no valid MADT. I/O APICs beyond ACPI_IOAPICS_MAX are left out. */
MUST_CHECK bool acpi_read_interrupts(const void *rsdp, size_t size, acpi_map map, void *context,
                                     struct acpi_interrupts *out);

#define ACPI_CPUS_MAX 256

/* The CPUs that may be started, in the table's order, each once (MADT, 5.2.12.2 and 5.2.12.12). */
struct acpi_cpus {
    unsigned count;
    uint32_t apic_id[ACPI_CPUS_MAX];
};

/* False if there is no valid MADT. CPUs beyond ACPI_CPUS_MAX are left out. */
MUST_CHECK bool acpi_read_cpus(const void *rsdp, size_t size, acpi_map map, void *context,
                               struct acpi_cpus *out);

/* Where the configuration space of PCI's segment 0 is in memory (MCFG, PCI Firmware 3.0, 4.1.2): 1 MiB
 * for each bus. */
struct acpi_pci {
    uint64_t address;    /* physical, of bus 0, which need not be there */
    uint8_t first, last; /* buses that are */
};

/* False if there is no valid MCFG with segment 0. */
MUST_CHECK bool acpi_read_pci(const void *rsdp, size_t size, acpi_map map, void *context,
                              struct acpi_pci *out);
