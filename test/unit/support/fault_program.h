/* SPDX-License-Identifier: MIT */
/*
 * A program for tests of the fault report: the bytes of an ELF file of three segments, without load bias.
 *
 *   0x0000  r-x  headers; .text: main at 0x400, helper at 0x440
 *   0x1000  r--  .rodata: limits
 *   0x2000  rw-  .data: counter at 0x2010; .bss from 0x2100: buffer at 0x2200
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PROGRAM_MAIN     0x400 /* 0x40 bytes */
#define PROGRAM_HELPER   0x440 /* 0x20 bytes */
#define PROGRAM_LIMITS   0x1000
#define PROGRAM_COUNTER  0x2010
#define PROGRAM_FILE_END 0x2100 /* of what is loaded */
#define PROGRAM_BUFFER   0x2200 /* 0x1000 bytes */
#define PROGRAM_END      0x4000

extern uint8_t program_file[0x2600];
void program_make(void);
