/* SPDX-License-Identifier: MIT */
/* The start of the other CPUs, for ouro-cpus.elf (cpu/cpus.h). */
#pragma once

#include "base/err.h"
#include "cpu/cpus.h"
#include "cpu/lock.h"
#include "parse/acpi.h"

/* Starts CPUs until `wanted` run or all of the table do. Those that fail are named in the log and left out. E_NOMEM: some run. Boot,
 * thread. */
MUST_CHECK enum err cpus_start(const struct acpi_cpus *list, unsigned wanted) REQUIRES(kernel_lock);
