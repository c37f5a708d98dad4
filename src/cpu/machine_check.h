/* SPDX-License-Identifier: MIT */
/* The machine-check architecture (SDM 3B 16): errors that the hardware finds in itself. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum machine_check_register { /* of a bank */
    MACHINE_CHECK_CONTROL,
    MACHINE_CHECK_STATUS,
    MACHINE_CHECK_ADDRESS,
    MACHINE_CHECK_MISC,
};

/* The exception and the banks: MCE and MCA of CPUID.1. */
static inline bool machine_check_there(uint32_t leaf1_edx)
{
    return (leaf1_edx & 0x4080) == 0x4080;
}

/* Has each bank report what it finds, as exception 18; without that the CPU would shut down. What
 * firmware left in the banks goes. Boot only. */
void machine_check_init(void);
unsigned machine_check_banks(void); /* 0: there is none of it */
uint64_t machine_check_status(void);
uint64_t machine_check_read(unsigned bank, enum machine_check_register which);
