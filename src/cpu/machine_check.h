/* SPDX-License-Identifier: MIT */
/* The machine-check architecture (SDM 3B 16): errors that the hardware detects in itself. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum machine_check_register { /* of a bank */
    MACHINE_CHECK_CONTROL,
    MACHINE_CHECK_STATUS,
    MACHINE_CHECK_ADDRESS,
    MACHINE_CHECK_MISC,
};

/* True if the CPU has MCE (the exception) and MCA (the banks), CPUID.1. */
static inline bool machine_check_there(uint32_t leaf1_edx)
{
    return (leaf1_edx & 0x4080) == 0x4080;
}

/* Enables error reporting by exception 18 in all banks (without it the CPU would shut down) and
 * clears what firmware left in them. Boot. */
void machine_check_init(void);
unsigned machine_check_banks(void); /* 0: no machine-check architecture */
#define MACHINE_CHECK_IN_PROGRESS 4 /* MCIP, a bit of: */
uint64_t machine_check_status(void);
uint64_t machine_check_read(unsigned bank, enum machine_check_register which);
