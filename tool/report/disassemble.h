/* SPDX-License-Identifier: MIT */
/* What an instruction is called: the kernel knows its length and its operands, and no names. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "mov qword ptr [rax+0x18], 0x01"; false: the bytes are none of x86-64. */
bool disassemble(uint64_t address, const uint8_t *bytes, size_t size, char *to, size_t room);
