/* SPDX-License-Identifier: MIT */
/* Segment selectors and other constants that entry.S shares with C; plain numbers for the
 * assembler. */
#pragma once

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10 /* SYSCALL loads SS = CODE + 8 (SDM 2B, SYSCALL) */
#define SELECTOR_TSS  0x18

/* Linux's, for ring 3. The GDT does not reach so far: loads raise #GP, and are emulated (linux/fault/raised.h). */
#define SELECTOR_LINUX_DATA 0x2b
#define SELECTOR_LINUX_CODE 0x33

/* The descriptors: flat 64-bit code; flat data (SDM 3A 3.4.5). */
#define DESCRIPTOR_CODE   0x00af9b000000ffff
#define DESCRIPTOR_DATA   0x00cf93000000ffff

#define IST_COMMON        1
#define IST_DOUBLE_FAULT  2
#define IST_NMI           3
#define IST_MACHINE_CHECK 4
#define IST_COUNT         4
#define TSS_IST_NMI       52   /* offset */
#define NMI_ROOM          8192 /* bytes of the NMI's stack for one of two handlers */

#define FAST_NUMBERS      192 /* calls from here on have no fast path: linux/call/syscall.h */
