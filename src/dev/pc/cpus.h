/* SPDX-License-Identifier: MIT */
/* The CPUs that the firmware names, for ouro-cpus.elf (cpu/cpus.h). */
#pragma once

#include "cpu/lock.h"
#include "parse/boot_info.h"

/* Starts up to `wanted` of them, the first included. The log says what is missing. Boot, thread. */
void machine_cpus_start(const struct boot_info *boot, unsigned wanted) REQUIRES(kernel_lock);
