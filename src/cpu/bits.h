/* SPDX-License-Identifier: MIT */
/*
 * Bits of page-table entries, control registers, RFLAGS and MSRs, and MSR numbers, with the SDM's
 * names. For C and the assembler.
 */
#pragma once

#ifdef __ASSEMBLER__
#define BITS_U64(number) number
#else
#include <stdint.h>
#define BITS_U64(number) UINT64_C(number)
#endif
#define BITS_ONE(n) (BITS_U64(1) << (n))

/* Entries of page tables (SDM 3A 4.5.4). */
#define PTE_P        BITS_ONE(0)
#define PTE_W        BITS_ONE(1)
#define PTE_U        BITS_ONE(2)
#define PTE_PWT      BITS_ONE(3)
#define PTE_PCD      BITS_ONE(4)
#define PTE_A        BITS_ONE(5)
#define PTE_D        BITS_ONE(6)
#define PTE_PS       BITS_ONE(7)
#define PTE_PAT      BITS_ONE(7) /* of a 4 KiB leaf */
#define PTE_G        BITS_ONE(8)
#define PTE_PAT_BIG  BITS_ONE(12) /* of a 2 MiB or 1 GiB leaf */
#define PTE_NX       BITS_ONE(63)

#define PTE_COW      BITS_ONE(9)  /* software bit: prot_copy_on_write() */
#define PTE_LAZYFREE BITS_ONE(10) /* software bit: paging_mark_lazyfree() */
#define PTE_FORKED   BITS_ONE(11) /* software bit, with PTE_COW: private memory shared by fork() */

/* Software bits of a leaf whose page was swapped in (mm/pt/paging.h); of an entry that is not present: PTE_SWAPPED, and
 * PTE_WRITTEN as the leaf had it. */
#define PTE_SLOT    BITS_ONE(52) /* clean, and its slot holds the page as it is */
#define PTE_WRITTEN BITS_ONE(53) /* dirty before it was swapped out */
#define PTE_SWAPPED                                                                                \
    BITS_ONE(54) /* not present: the page is in a slot, whose number is in PTE_ADDRESS */

#define PTE_ADDRESS BITS_U64(0x000ffffffffff000)

/* Control registers (SDM 3A 2.5). */
#define CR0_PE BITS_ONE(0)
#define CR0_MP BITS_ONE(1)
#define CR0_TS BITS_ONE(3) /* FPU instructions raise #NM */
#define CR0_ET BITS_ONE(4)
#define CR0_NE BITS_ONE(5)
#define CR0_WP BITS_ONE(16)
#define CR0_PG BITS_ONE(31)
/* CR0 is written whole, never or-ed. */
#define CR0_KNOWN      (CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE)

#define CR4_PAE        BITS_ONE(5)
#define CR4_MCE        BITS_ONE(6)
#define CR4_PGE        BITS_ONE(7)
#define CR4_OSFXSR     BITS_ONE(9)
#define CR4_OSXMMEXCPT BITS_ONE(10)
#define CR4_LA57       BITS_ONE(12)
#define CR4_OSXSAVE    BITS_ONE(18)
#define CR4_SMEP       BITS_ONE(20)
#define CR4_SMAP       BITS_ONE(21)

/* RFLAGS (SDM 1 3.4.3). */
#define RFLAGS_OF_BIT 11
#define RFLAGS_CF     BITS_ONE(0)
#define RFLAGS_FIXED  BITS_ONE(1) /* always set */
#define RFLAGS_PF     BITS_ONE(2)
#define RFLAGS_AF     BITS_ONE(4)
#define RFLAGS_ZF     BITS_ONE(6)
#define RFLAGS_SF     BITS_ONE(7)
#define RFLAGS_TF     BITS_ONE(8)
#define RFLAGS_IF     BITS_ONE(9)
#define RFLAGS_DF     BITS_ONE(10)
#define RFLAGS_OF     BITS_ONE(RFLAGS_OF_BIT)
#define RFLAGS_IOPL   (BITS_U64(3) << 12)
#define RFLAGS_NT     BITS_ONE(14)
#define RFLAGS_RF     BITS_ONE(16)
#define RFLAGS_AC     BITS_ONE(18)
#define RFLAGS_ID     BITS_ONE(21)

/* Model-specific registers (SDM 4 2.1). */
#define MSR_TSC       0x10
#define MSR_APIC_BASE 0x1b
#define MSR_PAT       0x277
#define MSR_EFER      0xc0000080
#define MSR_STAR      0xc0000081
#define MSR_LSTAR     0xc0000082
#define MSR_FMASK     0xc0000084
#define MSR_FS_BASE   0xc0000100
#define MSR_GS_BASE   0xc0000101

#define EFER_SCE      BITS_ONE(0)
#define EFER_LME      BITS_ONE(8)
#define EFER_LMA      BITS_ONE(10)
#define EFER_NXE      BITS_ONE(11)

/* CPUID (SDM 2A, CPUID). */
#define CPUID_HYPERVISOR     0x40000000 /* leaf: its name in EBX, ECX, EDX */
#define CPUID_HYPERVISOR_TCG 0x54474354 /* "TCGT": QEMU's emulation */
#define CPUID_EXTENDED       0x80000000 /* leaf: the largest extended leaf */
#define CPUID_FEATURES       0x80000001 /* leaf; EDX: */
#define CPUID_NX             BITS_ONE(20)
#define CPUID_LM             BITS_ONE(29)
