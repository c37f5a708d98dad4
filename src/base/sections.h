/* SPDX-License-Identifier: MIT */
/* Symbols of linker scripts and assembler files: addresses, not variables. No other file
 * declares one. */
#pragma once

#include "base/addr.h"

extern char image_start[], image_end[];
extern char init_text_start[], init_text_end[];
extern char text_start[], text_end[];
extern char rodata_start[], rodata_end[];
extern char ro_after_init_start[], ro_after_init_end[];
extern char image_tables_start[], image_tables_end[];
extern char data_start[], data_end[];
extern char boot_stack_start[], boot_stack_end[];
extern char pml4[];
extern const char kernel_symbols[]; /* parse/symbol_table.h */
extern char guest_tests_start[], guest_tests_end[];
extern char vdso_image_start[], vdso_image_end[]; /* vdso/image.S */
extern char syscall_entry[];                      /* cpu/entry.S */
