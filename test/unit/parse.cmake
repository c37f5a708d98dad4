# SPDX-License-Identifier: MIT
ouro_host_test(parse/multiboot2 src/parse/multiboot2.c src/parse/memory_map.c)
ouro_host_test(parse/pvh src/parse/pvh.c src/parse/memory_map.c)
ouro_host_test(parse/memory_map src/parse/memory_map.c)
ouro_host_test(parse/cmdline src/parse/cmdline.c)
ouro_host_test(parse/cpio src/parse/cpio.c)
ouro_host_test(parse/elf64 src/parse/elf64.c)
ouro_host_test(parse/acpi src/parse/acpi.c)

ouro_fuzzer(parse/multiboot2 src/parse/multiboot2.c src/parse/memory_map.c)
ouro_fuzzer(parse/pvh src/parse/pvh.c src/parse/memory_map.c)
ouro_fuzzer(parse/cmdline src/parse/cmdline.c)
ouro_fuzzer(parse/cpio src/parse/cpio.c)
ouro_fuzzer(parse/elf64 src/parse/elf64.c)
ouro_fuzzer(parse/acpi src/parse/acpi.c)
ouro_fuzzer(base/fmt src/base/fmt.c)

# Parsers of fault reports: instructions, symbols, unwind tables.
ouro_fuzzer(parse/x86_insn src/parse/x86_insn.c)
ouro_fuzzer(parse/elf_symbols src/parse/elf_symbols.c)
ouro_fuzzer(parse/eh_frame src/parse/eh_frame.c)
ouro_host_test(parse/x86_insn src/parse/x86_insn.c)
ouro_host_test(parse/x86_halt src/parse/x86_halt.c src/parse/x86_insn.c)
ouro_host_test(parse/eh_frame src/parse/eh_frame.c src/parse/elf_symbols.c)
