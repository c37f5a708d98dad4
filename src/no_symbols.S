/* SPDX-License-Identifier: MIT */
/* What the first link of the kernel has in place of its symbol table (parse/symbol_table.h). */
    .section .kernel_symbols, "a"
    .globl kernel_symbols
    .balign 8
kernel_symbols:
    .zero 8 + 4 + 4 + 256

    .section .note.GNU-stack, "", @progbits
