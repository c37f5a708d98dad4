/* SPDX-License-Identifier: MIT */
/* Offsets in the frame of the code that a CPU starts with, behind the code; plain numbers, for the assembler too. */
#pragma once

#define START_MAY    0x800
#define START_TABLES 0x804
#define START_EFER   0x808
#define START_STACK  0x810
#define START_ROOT   0x818
#define START_ENTRY  0x820
