/* SPDX-License-Identifier: MIT */
/*
 * The kernel image. What only the boot needs comes first, so that it is freed as one range. Each
 * permission has separate pages (W^X; and QEMU's TCG discards translated code of a page that is written).
 * No relocation sections: GRUB 2.06 refuses an ELF file with one.
 *
 *   1 MiB  .boot        stub, Multiboot2 header, PVH note    rwx, linked at its physical address
 *          .boot.bss    early tables, boot stack             rw-  (freed)
 *          .init.bss    data of boot code                    rw-  (freed)
 *          .init.text   kmain() and what only it calls       r-x  (freed)
 *          .text                                             r-x
 *          .rodata                                           r--
 *          .data.ro_after_init                               rw-, then r--
 *          .data .bss                                        rw-
 *          .tables      the first page tables                r--: written through the window only
 */
#include "mm/layout.h"

OUTPUT_FORMAT("elf64-x86-64")
OUTPUT_ARCH(i386:x86-64)
ENTRY(multiboot2_entry)

PHDRS
{
    boot PT_LOAD FLAGS(7);
    boot_bss PT_LOAD FLAGS(6);
    init PT_LOAD FLAGS(6);
    init_text PT_LOAD FLAGS(5);
    text PT_LOAD FLAGS(5);
    rodata PT_LOAD FLAGS(4);
    ro_after_init PT_LOAD FLAGS(6);
    data PT_LOAD FLAGS(6);
    bss PT_LOAD FLAGS(6);
    note PT_NOTE FLAGS(4);
}

SECTIONS
{
    . = LAYOUT_KERNEL_LOAD;
    image_start = . + LAYOUT_KERNEL_BASE;
    .boot : { KEEP(*(.boot.header)) *(.boot.text .boot.rodata .boot.data) } :boot
    .note.pvh : { KEEP(*(.note.pvh)) } :boot :note
    . = ALIGN(4096);
    .boot.bss (NOLOAD) : { *(.boot.bss) . = ALIGN(4096); } :boot_bss

    . += LAYOUT_KERNEL_BASE;
    .init.bss (NOLOAD) : AT(ADDR(.init.bss) - LAYOUT_KERNEL_BASE)
    {
        *(.bss.init)
        . = ALIGN(4096);
    } :init
    .init.text : AT(ADDR(.init.text) - LAYOUT_KERNEL_BASE)
    {
        init_text_start = .;
        *(.init.text .init.text.*)
    } :init_text
    .init.text.rest (NOLOAD) : { . = ALIGN(4096); init_text_end = .; } :init_text
    .text : AT(ADDR(.text) - LAYOUT_KERNEL_BASE)
    {
        text_start = .;
        *(.text.entry)
        *(.text .text.*)
    } :text
    .text.rest (NOLOAD) : { . = ALIGN(4096); text_end = .; } :text
    .rodata : AT(ADDR(.rodata) - LAYOUT_KERNEL_BASE)
    {
        rodata_start = .;
        *(.rodata.vdso) /* in whole pages, which are mapped into programs */
        . = ALIGN(4096);
        *(.rodata .rodata.*)
        . = ALIGN(8);
        guest_tests_start = .;
        KEEP(*(.guest_tests))
        guest_tests_end = .;
        KEEP(*(.kernel_symbols)) /* last: see parse/symbol_table.h */
    } :rodata
    .rodata.rest (NOLOAD) : { . = ALIGN(4096); rodata_end = .; } :rodata
    .data.ro_after_init : AT(ADDR(.data.ro_after_init) - LAYOUT_KERNEL_BASE)
    {
        ro_after_init_start = .;
        *(.data.ro_after_init)
    } :ro_after_init
    .data.ro_after_init.rest (NOLOAD) : { . = ALIGN(4096); ro_after_init_end = .; } :ro_after_init
    .data : AT(ADDR(.data) - LAYOUT_KERNEL_BASE)
    {
        data_start = .;
        *(.data .data.*)
        . = ALIGN(8);
    } :data
    .bss (NOLOAD) : AT(ADDR(.bss) - LAYOUT_KERNEL_BASE)
    {
        *(.bss .bss.* COMMON)
        . = ALIGN(4096);
        data_end = .;
    } :bss
    .tables (NOLOAD) : AT(ADDR(.tables) - LAYOUT_KERNEL_BASE)
    {
        image_tables_start = .;
        *(.tables)
        image_tables_end = .;
    } :bss
    image_end = .;
    ASSERT(image_end - LAYOUT_KERNEL_BASE <= LAYOUT_KERNEL_MAX, "the kernel image is too large")

    /DISCARD/ : { *(.comment .eh_frame .eh_frame_hdr .note.gnu.* .note.GNU-stack) }
}
