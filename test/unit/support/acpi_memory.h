/* SPDX-License-Identifier: MIT */
/* ACPI tables in a few pages of simulated physical memory, for the tests and the fuzzer. */
#pragma once

#include "parse/acpi.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ACPI_MEMORY 0x4000u
#define ACPI_BASE   0x7000000u

/* Maps by copies of the exact size, so that ASan finds a read past the end; acpi_memory_free() frees them. */
struct acpi_memory {
    uint8_t bytes[ACPI_MEMORY];
    void *copies[1024];
    size_t count;
};

static inline const void *acpi_memory_map(void *context, phys_t at, size_t size)
{
    struct acpi_memory *m = context;
    if (at.v < ACPI_BASE || size > ACPI_MEMORY || at.v - ACPI_BASE > ACPI_MEMORY - size ||
        m->count == sizeof m->copies / sizeof m->copies[0])
        return NULL;
    void *copy = malloc(size);
    memcpy(copy, m->bytes + (at.v - ACPI_BASE), size);
    m->copies[m->count++] = copy;
    return copy;
}

static inline void acpi_memory_free(struct acpi_memory *m)
{
    while (m->count > 0)
        free(m->copies[--m->count]);
}
