/* SPDX-License-Identifier: MIT */
/* The linked vDSO. boot/kernel.ld.S places it in whole pages. */
    .section .rodata.vdso, "a"
    .globl vdso_image_start, vdso_image_end
vdso_image_start:
    .incbin "vdso.so"
vdso_image_end:
    .section .note.GNU-stack, "", @progbits
