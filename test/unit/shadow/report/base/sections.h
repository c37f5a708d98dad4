/* SPDX-License-Identifier: MIT */
/* For native tests: the parts of a kernel image at the addresses where the kernel's are, and its
 * symbols, which test/unit/support/report_stubs.c makes up. */
#pragma once

#include <stdint.h>

#define FAKE_SYMBOL(offset) ((char *)(uintptr_t)(UINT64_C(0xffffffff80100000) + (offset)))
#define init_text_start     FAKE_SYMBOL(0x1000)
#define init_text_end       FAKE_SYMBOL(0x3000)
#define text_start          FAKE_SYMBOL(0x3000)
#define text_end            FAKE_SYMBOL(0x80000)
#define rodata_start        FAKE_SYMBOL(0x80000)
#define rodata_end          FAKE_SYMBOL(0xa0000)
#define ro_after_init_start FAKE_SYMBOL(0xa0000)
#define ro_after_init_end   FAKE_SYMBOL(0xa1000)
#define data_start          FAKE_SYMBOL(0xa1000)
#define data_end            FAKE_SYMBOL(0xc0000)
#define boot_stack_start    FAKE_SYMBOL(0xbc000)
#define boot_stack_end      FAKE_SYMBOL(0xc0000)

struct stub_symbols;
extern struct stub_symbols stub_symbols;
#define kernel_symbols (&stub_symbols)
