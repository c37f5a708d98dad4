/* SPDX-License-Identifier: MIT */
/* The linked vDSO, in whole pages of .rodata, which are mapped into programs. */
    .section .rodata.vdso, "a"
    .balign 4096
    .globl vdso_image_start, vdso_image_end
vdso_image_start:
    .incbin "vdso.so"
vdso_image_end:
    .balign 4096
    .section .note.GNU-stack, "", @progbits
