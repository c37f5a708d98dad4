/* SPDX-License-Identifier: MIT */
/*
 * The address space: the only file with addresses. C, assembler and the linker script include it,
 * so it holds plain numbers only.
 *
 *   start               end (excluded)      slot     what
 *   0x0000000000000000  0x0000000000010000  0        never mapped: a null pointer faults
 *   0x0000000000010000  0x00007ffffffff000  0-255    the program: image, heap, mappings, stacks
 *   0x00007ffffffff000  0x0000800000000000  255      never mapped (the page below the hole, as Linux)
 *   0x0000800000000000  0xffff800000000000  -        not canonical
 *   0xffff800000000000  0xfffff80000000000  256-495  R, the kernel's recursive window, and P, the
 *                                                    program's read-only one: each a slot of 512 GiB
 *                                                    drawn at boot; all others here stay empty
 *   0xfffff80000000000  0xfffff88000000000  496      kernel heap
 *   0xfffff88000000000  0xfffff90000000000  497      guard-paged kernel stacks
 *   0xfffff90000000000  0xfffff98000000000  498      device memory, the root archive
 *   0xfffff98000000000  0xfffffa0000000000  499      struct frame of every frame of RAM (sparse)
 *   0xfffffa0000000000  0xfffffa8000000000  500      fixed pages: scratch
 *   0xfffffa8000000000  0xfffffe8000000000  501-508  pagetables=physmap: all RAM, at this base plus its
 *                                                    physical address; pagetables=offset: the frames of
 *                                                    page tables alone, at the same places; else empty
 *   0xfffffe8000000000  0xffffff0000000000  509      pagetables=temporary: its slots; else empty
 *   0xffffff0000000000  0xffffff8000000000  510      free
 *   0xffffff8000000000  0xffffffff80000000  511      free
 *   0xffffffff80000000  0xffffffff80400000  511      the kernel image, physical 0-4 MiB seen high
 *   0xffffffff80400000  0x10000000000000000 511      free
 */
#pragma once

#define LAYOUT_PROGRAM_START       0x0000000000010000
#define LAYOUT_PROGRAM_END         0x00007ffffffff000

#define LAYOUT_WINDOWS_START       0xffff800000000000
#define LAYOUT_WINDOWS_END         0xfffff80000000000
#define LAYOUT_WINDOW_SLOT_FIRST   256
#define LAYOUT_WINDOW_SLOT_LAST    495
#define LAYOUT_WINDOW_SLOT_DEFAULT 495 /* used without a random source, and by multiboot2.S */

#define LAYOUT_HEAP_START          0xfffff80000000000
#define LAYOUT_HEAP_END            0xfffff88000000000
#define LAYOUT_KSTACK_START        0xfffff88000000000
#define LAYOUT_KSTACK_END          0xfffff90000000000
#define LAYOUT_DEVICE_START        0xfffff90000000000
#define LAYOUT_DEVICE_END          0xfffff98000000000
#define LAYOUT_FRAMES_START        0xfffff98000000000
#define LAYOUT_FRAMES_END          0xfffffa0000000000
#define LAYOUT_SCRATCH             0xfffffa0000000000 /* one page, remapped at will */
#define LAYOUT_SCRATCH_PIN         0xfffffa0000001000 /* keeps the scratch page's table alive */
#define LAYOUT_SCRATCH_CPUS        0xfffffa0000002000 /* of several CPUs: two such pages for each */
#define LAYOUT_SCRATCH_CPUS_SIZE   0x80000

#define LAYOUT_PHYSICAL_START      0xfffffa8000000000 /* address of physical 0 */
#define LAYOUT_PHYSICAL_END        0xfffffe8000000000
#define LAYOUT_TEMPORARY_START     0xfffffe8000000000
#define LAYOUT_TEMPORARY_END       0xffffff0000000000

#define LAYOUT_KERNEL_BASE         0xffffffff80000000 /* address of physical 0, for the image */
#define LAYOUT_KERNEL_LOAD         0x0000000000100000 /* physical load address of the image */
#define LAYOUT_KERNEL_MAX          0x0000000000400000 /* limit of the image's physical end */

/* Bytes of a kernel stack, and of the unmapped guard below it. */
#define LAYOUT_KSTACK_SIZE 0x4000

/* Base of static-PIE images and start of the mmap area; randomization adds to or subtracts from
 * them. */
#define LAYOUT_PIE_BASE 0x0000555555554000

/* Default limit of the program's stack (bytes). */
#define LAYOUT_STACK_SIZE 0x800000
