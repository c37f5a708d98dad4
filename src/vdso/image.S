/* SPDX-License-Identifier: MIT */
/* The finished vDSO in pages of the kernel's constants, which is where programs have it mapped from. */
    .section .rodata.vdso, "a"
    .balign 4096
    .globl vdso_image_start, vdso_image_end
vdso_image_start:
    .incbin "vdso.so"
vdso_image_end:
    .balign 4096
    .section .note.GNU-stack, "", @progbits
