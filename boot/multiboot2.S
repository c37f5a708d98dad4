/* SPDX-License-Identifier: MIT */
/*
 * From the loader to kmain(): from 32-bit protected mode without paging to 64-bit code in the high half.
 *
 * GRUB (Multiboot2) and QEMU -kernel (PVH) both enter here in 32-bit mode with flat segments and
 * EBX pointing to their boot information. No other state is trusted: CR0, CR4 and EFER are written in
 * full (Bochs arrives with caches off, UEFI with DE, MCE and OSFXSR set), and the GDT is replaced before
 * any segment register is loaded.
 *
 * Early tables, zero at first (.boot.bss):
 *
 *   pml4[0]   -> pdpt_low -> pd_low[4]              0-4 GiB identity, 2 MiB pages, until
 *                                                       recursive_forget_low_half()
 *   pml4[511] -> pdpt_high[510] -> pd_high -> pt_high   the image at -2 GiB, 4 KiB pages, so that each
 *                                                       section can have its own permissions
 *   pml4[495] -> pml4                               the recursive slot; memory_init() moves it to a random slot
 *
 * pml4, pdpt_high, pd_high and pt_high remain in use; they are in .tables.
 */
#include "cpu/bits.h"
#include "cpu/selectors.h"
#include "mm/layout.h"

#define MB2_HEADER_MAGIC 0xe85250d6
#define MB2_LOADER_MAGIC 0x36d76289
#define PVH_MAGIC        0x336ec578

#define PAGE       0x1000
#define BIG_PAGE   0x200000
#define PAGE_SHIFT 12
#define PTE_SIZE   8
#define LOW_TABLES 4   /* pd_low: a GiB each */
#define PT_ENTRIES 512

#define SLOT_KERNEL_PML4 511 /* of LAYOUT_KERNEL_BASE */
#define SLOT_KERNEL_PDPT 510

#define COM1 0x3f8
#define VGA  0xb8000

    .section .boot.header, "a"
    .balign 8
mb2_header:
    .long MB2_HEADER_MAGIC, 0, mb2_header_end - mb2_header
    .long -(MB2_HEADER_MAGIC + 0 + (mb2_header_end - mb2_header))
    /* Information request: command line, modules, memory map; optional: loader name, framebuffer, ACPI. */
    .balign 8
1:  .short 1, 0
    .long 2f - 1b
    .long 1, 3, 6
2:  .balign 8
1:  .short 1, 1 /* optional */
    .long 2f - 1b
    .long 2, 8, 14, 15
2:  .balign 8
    /* An optional framebuffer of any size: without this tag GRUB on BIOS offers the text mode only.
     * grub.cfg selects the mode after it has loaded the kernel. */
    .short 5, 1
    .long 20
    .long 0, 0, 0
    .balign 8
    .short 6, 0 /* page-aligned modules: files are mapped directly from the archive */
    .long 8
    .balign 8
    .short 0, 0
    .long 8
mb2_header_end:

    /* PVH entry point (Xen's docs/misc/pvh.pandoc): name "Xen", type 18 XEN_ELFNOTE_PHYS32_ENTRY. */
    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, 18
    .asciz "Xen"
    .quad pvh_entry

    .section .boot.text, "ax"
    .code32
    .globl multiboot2_entry
multiboot2_entry:
    cli
    cld
    mov $stub_stack_end, %esp
    cmp $MB2_LOADER_MAGIC, %eax
    mov $text_unknown_loader, %esi
    jne stop
    mov $1, %edi
    jmp checks

    .globl pvh_entry
pvh_entry:
    cli
    cld
    mov $stub_stack_end, %esp
    cmpl $PVH_MAGIC, (%ebx)
    mov $text_unknown_loader, %esi
    jne stop
    mov $2, %edi

checks: /* EDI: enum boot_loader, EBX: physical address of its boot information */
    /* CPUID exists if EFLAGS.ID can be changed (SDM 1 20.1). */
    pushfl
    pop %eax
    mov %eax, %ecx
    xor $RFLAGS_ID, %eax
    push %eax
    popfl
    pushfl
    pop %eax
    push %ecx
    popfl
    xor %ecx, %eax
    test $RFLAGS_ID, %eax
    mov $text_no_cpuid, %esi
    jz stop

    push %ebx
    mov $CPUID_EXTENDED, %eax
    cpuid
    xor %edx, %edx
    cmp $CPUID_FEATURES, %eax
    jb 1f
    mov $CPUID_FEATURES, %eax
    cpuid
1:  pop %ebx
    test $CPUID_LM, %edx
    mov $text_no_long_mode, %esi
    jz stop
    xor %ebp, %ebp
    test $CPUID_NX, %edx /* NX; without it the kernel logs that W^X cannot be enforced */
    jz 1f
    mov $EFER_NXE, %ebp
1:

    movl $pdpt_low + PTE_P + PTE_W, pml4_phys
    movl $pd_low + PTE_P + PTE_W, pdpt_low
    movl $pd_low + PAGE + PTE_P + PTE_W, pdpt_low + PTE_SIZE
    movl $pd_low + 2 * PAGE + PTE_P + PTE_W, pdpt_low + 2 * PTE_SIZE
    movl $pd_low + 3 * PAGE + PTE_P + PTE_W, pdpt_low + 3 * PTE_SIZE
    mov $PTE_P + PTE_W + PTE_PS, %eax
    xor %ecx, %ecx
1:  mov %eax, pd_low(, %ecx, PTE_SIZE)
    add $BIG_PAGE, %eax
    inc %ecx
    cmp $LOW_TABLES * PT_ENTRIES, %ecx
    jb 1b

    movl $pdpt_high_phys + PTE_P + PTE_W, pml4_phys + SLOT_KERNEL_PML4 * PTE_SIZE
    movl $pml4_phys + PTE_P + PTE_W, pml4_phys + LAYOUT_WINDOW_SLOT_DEFAULT * PTE_SIZE
    movl $pd_high_phys + PTE_P + PTE_W, pdpt_high_phys + SLOT_KERNEL_PDPT * PTE_SIZE
    movl $pt_high_phys + PTE_P + PTE_W, pd_high_phys
    movl $pt_high_phys + PAGE + PTE_P + PTE_W, pd_high_phys + PTE_SIZE
    mov $LAYOUT_KERNEL_LOAD, %eax
1:  mov %eax, %ecx
    shr $PAGE_SHIFT, %ecx
    lea PTE_P + PTE_W(%eax), %edx
    mov %edx, pt_high_phys(, %ecx, PTE_SIZE)
    add $PAGE, %eax
    cmp $image_end_phys, %eax
    jb 1b

    /* Long mode (SDM 3A 10.8.5). */
    mov $CR4_PAE, %eax
    mov %eax, %cr4
    mov $pml4_phys, %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    mov %ebp, %eax
    or $EFER_LME, %eax
    xor %edx, %edx
    wrmsr
    mov $CR0_KNOWN, %eax
    mov %eax, %cr0
    lgdt stub_gdt_pointer
    ljmp $SELECTOR_CODE, $long_mode

/* Prints the text at ESI on COM1 and on the VGA text screen, then halts. */
stop:
    mov $COM1 + 3, %dx
    mov $0x80, %al /* DLAB: 115200 baud */
    out %al, %dx
    mov $COM1, %dx
    mov $1, %al
    out %al, %dx
    inc %dx
    xor %al, %al
    out %al, %dx
    mov $COM1 + 3, %dx
    mov $0x03, %al /* 8N1 */
    out %al, %dx
    mov $VGA, %edi
    mov $80 * 25, %ecx /* clears the firmware's text */
    mov $0x0720, %ax
    rep stosw
    mov $VGA, %edi
1:  lodsb
    test %al, %al
    jz 3f
    mov %al, %bl
    mov $COM1 + 5, %dx
    mov $100000, %ecx
2:  in %dx, %al
    test $0x20, %al
    loopz 2b /* bounded: the port may not exist */
    mov %bl, %al
    mov $COM1, %dx
    out %al, %dx
    cmp $' ', %al
    jb 1b
    mov $0x0f, %ah
    stosw
    jmp 1b
3:  hlt
    jmp 3b

    .code64
long_mode:
    mov $SELECTOR_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    movabs $boot_stack_end, %rsp
    xor %ebp, %ebp
    mov %edi, %edi /* kmain(loader, physical address of its boot information); clears the upper halves */
    mov %ebx, %esi
    movabs $kmain, %rax
    call *%rax
    ud2

    .section .boot.rodata, "a"
    .balign 8
stub_gdt:
    .quad 0
    .quad DESCRIPTOR_CODE
    .quad DESCRIPTOR_DATA
stub_gdt_pointer:
    .short . - stub_gdt - 1
    .long stub_gdt
text_unknown_loader:
    .asciz "ouro: stop: the boot loader is neither Multiboot2 nor PVH; start this image with GRUB 2 or with QEMU -kernel\r\n"
text_no_cpuid:
    .asciz "ouro: stop: this CPU has no CPUID instruction; Ouro needs a 64-bit x86 CPU\r\n"
text_no_long_mode:
    .asciz "ouro: stop: this CPU has no long mode (64-bit); Ouro needs a 64-bit x86 CPU\r\n"

    .section .boot.bss, "aw", @nobits
    .balign PAGE
pdpt_low:
    .skip PAGE
pd_low:
    .skip LOW_TABLES * PAGE
    .skip 256
stub_stack_end:

    /* The first C stack, until the first thread runs on a guarded one. */
    .balign PAGE
boot_stack_low:
    .skip 16384
boot_stack_high:
    .globl boot_stack_start, boot_stack_end
    .set boot_stack_start, boot_stack_low + LAYOUT_KERNEL_BASE
    .set boot_stack_end, boot_stack_high + LAYOUT_KERNEL_BASE

    .section .tables, "aw", @nobits
    .balign PAGE
    .globl pml4
pml4:
    .skip PAGE
pdpt_high:
    .skip PAGE
pd_high:
    .skip PAGE
pt_high:
    .skip 2 * PAGE
    .set pml4_phys, pml4 - LAYOUT_KERNEL_BASE
    .set pdpt_high_phys, pdpt_high - LAYOUT_KERNEL_BASE
    .set pd_high_phys, pd_high - LAYOUT_KERNEL_BASE
    .set pt_high_phys, pt_high - LAYOUT_KERNEL_BASE
    .set image_end_phys, image_end - LAYOUT_KERNEL_BASE

    .section .note.GNU-stack, "", @progbits
