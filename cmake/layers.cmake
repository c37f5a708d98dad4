# SPDX-License-Identifier: MIT
# Which folder of src/ may include headers of which others; its own always. Files at the top of src/ (main.c)
# may include all. test/lint/includes.sh reads this very file: one set() a line, no variables in it.
set(OURO_LAYER_base)
set(OURO_LAYER_parse base)
set(OURO_LAYER_cpu base)
set(OURO_LAYER_mm base parse cpu)
set(OURO_LAYER_kern base parse cpu mm)
set(OURO_LAYER_dev base parse cpu mm kern)
set(OURO_LAYER_fs base parse mm kern)
set(OURO_LAYER_net base mm kern fs)
# The vDSO is program code: an ELF file of its own inside the kernel. It shares constants and struct vvar.
set(OURO_LAYER_vdso cpu)
set(OURO_LAYER_linux base parse cpu mm kern fs net vdso)
# The only headers from outside src/: what a freestanding compiler brings along.
set(OURO_LAYER_system stdarg.h stdbool.h stddef.h stdint.h)
