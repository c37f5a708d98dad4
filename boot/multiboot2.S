/* SPDX-License-Identifier: MIT */
/*
 * From the loader to kmain(): 32-bit protected mode, no paging, to 64-bit code in the high half.
 *
 * GRUB (Multiboot2) and QEMU -kernel (PVH) both enter here in 32-bit mode with flat segments and
 * EBX pointing to their block of information. The state of everything else is not trusted: CR0, CR4 and
 * EFER get full known values (Bochs arrives with caches off, UEFI with DE, MCE and OSFXSR set), and
 * our own GDT is loaded before any segment register.
 *
 * Early tables, all zero before (they are in .boot.bss):
 *
 *   pml4[0]   -> pdpt_low -> pd_low[4]              0-4 GiB identity, 2 MiB pages, until
 *                                                       recursive_forget_low_half()
 *   pml4[511] -> pdpt_high[510] -> pd_high -> pt_high   the image at -2 GiB, 4 KiB pages, so that sections
 *                                                       can be given their permissions one by one
 *   pml4[495] -> pml4                               the recursive slot, moved later to a random one
 *
 * The second three and pml4 stay for good and live in .tables.
 */
#include "mm/layout.h"

#define MB2_HEADER_MAGIC 0xe85250d6
#define MB2_LOADER_MAGIC 0x36d76289
#define PVH_MAGIC        0x336ec578

#define PTE_P  0x001
#define PTE_W  0x002
#define PTE_PS 0x080

#define CR0_PE_MP_ET_NE_WP_PG 0x80010033
#define CR4_PAE               0x20
#define MSR_EFER              0xc0000080
#define EFER_LME              0x100
#define EFER_NXE              0x800

#define COM1 0x3f8
#define VGA  0xb8000

    .section .boot.header, "a"
    .balign 8
mb2_header:
    .long MB2_HEADER_MAGIC, 0, mb2_header_end - mb2_header
    .long -(MB2_HEADER_MAGIC + 0 + (mb2_header_end - mb2_header))
    /* Information request: command line, loader name, modules, memory map; ACPI and framebuffer if there. */
    .balign 8
1:  .short 1, 0
    .long 2f - 1b
    .long 1, 3, 6
2:  .balign 8
1:  .short 1, 1 /* optional */
    .long 2f - 1b
    .long 2, 8, 14, 15
2:  .balign 8
    /* A framebuffer, optional, of no size in particular: without this tag GRUB on BIOS knows only the text mode.
     * grub.cfg says which mode it is to be, after the kernel was loaded. */
    .short 5, 1
    .long 20
    .long 0, 0, 0
    .balign 8
    .short 6, 0 /* modules on page boundaries: files are mapped straight out of the archive */
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

checks: /* EDI: enum boot_loader, EBX: physical address of its block */
    /* CPUID exists when EFLAGS.ID can be changed (SDM 1 20.1). */
    pushfl
    pop %eax
    mov %eax, %ecx
    xor $0x200000, %eax
    push %eax
    popfl
    pushfl
    pop %eax
    push %ecx
    popfl
    xor %ecx, %eax
    test $0x200000, %eax
    mov $text_no_cpuid, %esi
    jz stop

    push %ebx
    mov $0x80000000, %eax
    cpuid
    xor %edx, %edx
    cmp $0x80000001, %eax
    jb 1f
    mov $0x80000001, %eax
    cpuid
1:  pop %ebx
    test $0x20000000, %edx /* LM */
    mov $text_no_long_mode, %esi
    jz stop
    xor %ebp, %ebp
    test $0x100000, %edx /* NX; without it kmain() goes on and says that W^X cannot be enforced */
    jz 1f
    mov $EFER_NXE, %ebp
1:

    /* Early tables. */
    movl $pdpt_low + PTE_P + PTE_W, pml4_phys
    movl $pd_low + 0x0000 + PTE_P + PTE_W, pdpt_low
    movl $pd_low + 0x1000 + PTE_P + PTE_W, pdpt_low + 8
    movl $pd_low + 0x2000 + PTE_P + PTE_W, pdpt_low + 16
    movl $pd_low + 0x3000 + PTE_P + PTE_W, pdpt_low + 24
    mov $PTE_P + PTE_W + PTE_PS, %eax
    xor %ecx, %ecx
1:  mov %eax, pd_low(, %ecx, 8)
    add $0x200000, %eax
    inc %ecx
    cmp $2048, %ecx
    jb 1b

    movl $pdpt_high_phys + PTE_P + PTE_W, pml4_phys + 511 * 8
    movl $pml4_phys + PTE_P + PTE_W, pml4_phys + LAYOUT_WINDOW_SLOT_DEFAULT * 8
    movl $pd_high_phys + PTE_P + PTE_W, pdpt_high_phys + 510 * 8
    movl $pt_high_phys + PTE_P + PTE_W, pd_high_phys
    movl $pt_high_phys + 0x1000 + PTE_P + PTE_W, pd_high_phys + 8
    mov $LAYOUT_KERNEL_LOAD, %eax
1:  mov %eax, %ecx
    shr $12, %ecx
    lea PTE_P + PTE_W(%eax), %edx
    mov %edx, pt_high_phys(, %ecx, 8)
    add $0x1000, %eax
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
    mov $CR0_PE_MP_ET_NE_WP_PG, %eax
    mov %eax, %cr0
    lgdt stub_gdt_pointer
    ljmp $0x08, $long_mode

/* Prints the text at ESI on COM1 and on the VGA text screen, then halts for good. */
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
    mov $80 * 25, %ecx /* firmware's own text would surround ours */
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
    loopz 2b /* bounded: there may be no such port */
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
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    movabs $boot_stack_end, %rsp
    xor %ebp, %ebp
    mov %edi, %edi /* kmain(loader, physical address of its block): upper halves cleared */
    mov %ebx, %esi
    movabs $kmain, %rax
    call *%rax
    ud2

    .section .boot.rodata, "a"
    .balign 8
stub_gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* 64-bit code */
    .quad 0x00cf93000000ffff /* data */
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
    .balign 4096
pdpt_low:
    .skip 4096
pd_low:
    .skip 4 * 4096
    .skip 256
stub_stack_end:

    /* The first C stack: until the first thread runs on a guarded one. */
    .balign 4096
boot_stack_low:
    .skip 16384
boot_stack_high:
    .globl boot_stack_start, boot_stack_end
    .set boot_stack_start, boot_stack_low + LAYOUT_KERNEL_BASE
    .set boot_stack_end, boot_stack_high + LAYOUT_KERNEL_BASE

    .section .tables, "aw", @nobits
    .balign 4096
    .globl pml4
pml4:
    .skip 4096
pdpt_high:
    .skip 4096
pd_high:
    .skip 4096
pt_high:
    .skip 2 * 4096
    .set pml4_phys, pml4 - LAYOUT_KERNEL_BASE
    .set pdpt_high_phys, pdpt_high - LAYOUT_KERNEL_BASE
    .set pd_high_phys, pd_high - LAYOUT_KERNEL_BASE
    .set pt_high_phys, pt_high - LAYOUT_KERNEL_BASE
    .set image_end_phys, image_end - LAYOUT_KERNEL_BASE

    .section .note.GNU-stack, "", @progbits
