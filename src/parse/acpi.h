/* SPDX-License-Identifier: MIT */
/*
 * What Ouro wants of ACPI (ACPI 6.4, chapters 4 and 5): how to switch off, how to restart, and where the
 * power button is. Pure: tables are reached through a function that maps physical memory.
 *
 *   RSDP --> XSDT or RSDT --> FADT --> DSDT (for the sleep type of \_S5)
 *
 * Firmware's tables are data from outside: lengths, sums and addresses are checked, and nothing loops
 * over what they say without a bound.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes [at, at + size) readable; NULL when that cannot be. */
typedef const void *(*acpi_map)(void *context, phys_t at, size_t size);

/* A register (Generic Address Structure); port I/O or memory. */
struct acpi_register {
    bool memory;
    uint64_t address; /* 0: there is none */
};

struct acpi_power {
    struct acpi_register pm1a_control, pm1b_control; /* 16 bits wide */
    struct acpi_register pm1a_event;    /* status, then enable, each half of its length */
    uint8_t pm1_event_bytes;            /* of the whole block: 4 where it is usual */
    bool can_sleep;                     /* the two below are known */
    uint8_t sleep_type_a, sleep_type_b; /* SLP_TYP of S5 */
    struct acpi_register reset;         /* 8 bits wide */
    uint8_t reset_value;
    uint16_t smi_command; /* port; 0: the hardware is in ACPI mode already */
    uint8_t acpi_enable;  /* what to write there */
    uint16_t sci;         /* the interrupt line */
    bool power_button;    /* is a fixed event, not one that only AML knows */
};

/* `rsdp` is the pointer structure itself, `size` bytes of it. False with a sentence in *why when
 * there is no FADT to be had. Missing parts are left zero. */
MUST_CHECK bool acpi_read(const void *rsdp, size_t size, acpi_map map, void *context,
                          struct acpi_power *out, const char **why);
