/* SPDX-License-Identifier: MIT */
#include "cpu/machine_check.h"

#include "base/compiler.h"
#include "cpu/features.h"
#include "cpu/x86.h"

enum {
    MSR_CAPABILITIES = 0x179, /* MCG_CAP; bits 0-7: banks, bit 8: MCG_CTL exists */
    MSR_GLOBAL_STATUS = 0x17a,
    MSR_GLOBAL_CONTROL = 0x17b,
    MSR_BANK_0 = 0x400, /* four registers per bank */
};

RO_AFTER_INIT static unsigned banks;

INIT_CODE void machine_check_init(void)
{
    if (!machine_check_there(cpu_features.leaf1_edx))
        return;
    uint64_t capabilities = rdmsr(MSR_CAPABILITIES);
    banks = capabilities & 0xff;
    if (capabilities & 0x100)
        wrmsr(MSR_GLOBAL_CONTROL, UINT64_MAX);
    for (unsigned n = 0; n < banks; n++) {
        wrmsr(MSR_BANK_0 + 4 * n + MACHINE_CHECK_CONTROL, UINT64_MAX);
        wrmsr(MSR_BANK_0 + 4 * n + MACHINE_CHECK_STATUS, 0);
    }
    write_cr4(read_cr4() | CR4_MCE);
}

unsigned machine_check_banks(void)
{
    return banks;
}

uint64_t machine_check_status(void)
{
    return banks != 0 ? rdmsr(MSR_GLOBAL_STATUS) : 0;
}

uint64_t machine_check_read(unsigned bank, enum machine_check_register which)
{
    return rdmsr(MSR_BANK_0 + 4 * bank + which);
}
