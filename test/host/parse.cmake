# SPDX-License-Identifier: MIT
ouro_host_test(multiboot2 src/parse/multiboot2.c src/parse/memory_map.c)
ouro_host_test(pvh src/parse/pvh.c src/parse/memory_map.c)
ouro_host_test(memory_map src/parse/memory_map.c)
ouro_host_test(cmdline src/parse/cmdline.c)
ouro_host_test(cpio src/parse/cpio.c)
ouro_host_test(elf64 src/parse/elf64.c)
ouro_host_test(acpi src/parse/acpi.c)

ouro_fuzzer(multiboot2 src/parse/multiboot2.c src/parse/memory_map.c)
ouro_fuzzer(pvh src/parse/pvh.c src/parse/memory_map.c)
ouro_fuzzer(cmdline src/parse/cmdline.c)
ouro_fuzzer(cpio src/parse/cpio.c)
ouro_fuzzer(elf64 src/parse/elf64.c)
ouro_fuzzer(acpi src/parse/acpi.c)
ouro_fuzzer(fmt src/base/fmt.c)

# What fault reports read: instructions, symbols, unwind tables.
ouro_fuzzer(x86_insn src/parse/x86_insn.c)
ouro_fuzzer(elf_symbols src/parse/elf_symbols.c)
ouro_fuzzer(eh_frame src/parse/eh_frame.c)
ouro_host_test(x86_insn src/parse/x86_insn.c)
ouro_host_test(x86_halt src/parse/x86_halt.c src/parse/x86_insn.c)
ouro_host_test(eh_frame src/parse/eh_frame.c src/parse/elf_symbols.c)
