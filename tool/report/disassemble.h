/* SPDX-License-Identifier: MIT */
/* Mnemonics, by Zydis. The kernel decodes lengths and operands only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes the instruction: "mov qword ptr [rax+0x18], 0x01". False: invalid in x86-64. */
bool disassemble(uint64_t address, const uint8_t *bytes, size_t size, char *to, size_t room);
