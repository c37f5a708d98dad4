/* SPDX-License-Identifier: MIT */
#include "parse/x86_halt.h"

#include "parse/x86_insn.h"

enum {
    CF = 1,
    PF = 4,
    ZF = 64,
    SF = 128,
    OF = 2048,
};

/* Bit n: condition n of jcc holds. Of each pair the odd one is the negation (SDM 2 appendix B.1.4.7). */
static uint16_t conditions_that_hold(uint64_t flags)
{
    bool less = !(flags & SF) != !(flags & OF);
    const bool even[] = {flags & OF, flags & CF, flags & ZF, flags & (CF | ZF),
                         flags & SF, flags & PF, less,       less || flags & ZF};
    unsigned holding = 0;
    for (unsigned i = 0; i < 8; i++)
        holding |= (even[i] ? 1u : 2u) << 2 * i;
    return (uint16_t)holding;
}

static uint64_t target(const struct x86_insn *insn, const uint8_t *bytes, uint64_t at)
{
    const uint8_t *end = bytes + insn->length;
    int64_t distance = (int8_t)end[-1];
    if (insn->map == 1 || insn->opcode == 0xe9)
        distance = (int32_t)((uint32_t)end[-4] | (uint32_t)end[-3] << 8 | (uint32_t)end[-2] << 16 |
                             (uint32_t)end[-1] << 24);
    return at + insn->length + (uint64_t)distance;
}

/* The conditions with which this instruction may have jumped to rip. */
static uint16_t jumps_to(const struct x86_insn *insn, const uint8_t *bytes, uint64_t at,
                         uint64_t rip)
{
    if (insn->vex || insn->map > 1)
        return 0;
    bool near = insn->map == 1 && (insn->opcode & 0xf0) == 0x80;
    if (near || (insn->map == 0 && (insn->opcode & 0xf0) == 0x70)) {
        unsigned taken = target(insn, bytes, at) == rip;
        return (uint16_t)(taken << (insn->opcode & 15));
    }
    if (insn->map != 0)
        return 0;
    bool may = insn->opcode == 0xff && (insn->modrm >> 3 & 7) == 4;
    if (insn->opcode == 0xeb || insn->opcode == 0xe9 || (insn->opcode & 0xfc) == 0xe0)
        may = target(insn, bytes, at) == rip;
    return may ? X86_HALT_NEVER : 0;
}

uint16_t x86_jumps_behind_halt(const struct byte_reader *memory, struct virt_range function,
                               uint64_t rip)
{
    bool found = false;
    uint16_t jumps = 0;
    if (virt_range_size(function) > X86_FUNCTION_MAX)
        return X86_HALT_NEVER;
    for (uint64_t at = function.start.v; at < function.end.v && jumps != X86_HALT_NEVER;) {
        uint8_t bytes[X86_INSN_MAX];
        struct x86_insn insn;
        uint64_t left = function.end.v - at;
        size_t size = left < sizeof bytes ? left : sizeof bytes;
        /* Once an instruction reaches beyond rip - 1 no `hlt` can be found there. */
        if ((!found && at >= rip) || !byte_read(memory, at, bytes, size) ||
            !x86_decode(bytes, size, &insn))
            return X86_HALT_NEVER;
        jumps |= jumps_to(&insn, bytes, at, rip);
        found |= at == rip - 1 && insn.length == 1 && bytes[0] == X86_HLT;
        at += insn.length;
    }
    return found ? jumps : X86_HALT_NEVER;
}

bool x86_came_from_halt(uint16_t jumps, uint64_t rflags)
{
    return (jumps & conditions_that_hold(rflags)) == 0;
}
