/* SPDX-License-Identifier: MIT */
/*
 * Decoder of one x86-64 instruction, as far as a fault report needs it: length and memory operands
 * (SDM 2 chapter 2 and appendix A). No mnemonics: the tool has a disassembler. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define X86_INSN_MAX 15

/* Numbers as instructions encode them. */
enum x86_register {
    X86_RAX,
    X86_RCX,
    X86_RDX,
    X86_RBX,
    X86_RSP,
    X86_RBP,
    X86_RSI,
    X86_RDI,
    X86_R8,
    X86_R15 = 15,
    X86_RIP = 16, /* of the next instruction */
    X86_NONE = 17,
    X86_REGISTERS = 17,
};

struct x86_operand {
    uint8_t base, index; /* enum x86_register, or X86_NONE */
    uint8_t scale;       /* 1, 2, 4, 8 */
    uint8_t segment;     /* 'f' or 'g': FS or GS base is added; 0: none */
    int64_t displacement;
    uint16_t size;      /* bytes; 0 unknown */
    bool read, write;   /* both false: only the address is computed (lea) */
    bool short_address; /* prefix 67: 32-bit address */
};

struct x86_insn {
    uint8_t length;
    uint8_t map; /* 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A */
    uint8_t opcode, modrm;
    bool vex;      /* VEX or EVEX */
    bool repeated; /* rep, repne */
    bool has_modrm;
    uint8_t operands; /* number of memory operands, 0-2: string moves have two */
    struct x86_operand operand[2];
};

/* False: the bytes are not an instruction of 64-bit mode, or end within one. */
bool x86_decode(const uint8_t *bytes, size_t size, struct x86_insn *out);

/* The address of the operand. `registers` is indexed by enum x86_register; registers[X86_RIP] is
 * the address of the instruction itself. */
uint64_t x86_address(const struct x86_insn *insn, const struct x86_operand *operand,
                     const uint64_t registers[X86_REGISTERS], uint64_t fs_base, uint64_t gs_base);

/* "rax", ..., "rip"; "" for X86_NONE. */
const char *x86_register_name(unsigned number);
