/* SPDX-License-Identifier: MIT */
/* The firmware's ACPI tables, for parse/acpi.h. */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "parse/boot_info.h"

#include <stddef.h>

/* The RSDP; NULL if the loader names none, or it cannot be mapped. Boot. */
MUST_CHECK const void *acpi_tables_root(const struct boot_info *boot, size_t *size);
/* An acpi_map: maps the range read-only, permanently. `context` is unused. Boot. */
const void *acpi_tables_map(void *context, phys_t at, size_t size);
