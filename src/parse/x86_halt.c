/* SPDX-License-Identifier: MIT */
#include "parse/x86_halt.h"

#include "parse/x86_insn.h"

#define FUNCTION_MAX 65536 /* bytes; a longer function is not decoded */

enum {
    CF = 1,
    PF = 4,
    ZF = 64,
    SF = 128,
    OF = 2048,
};

/* Of each pair of jcc conditions the odd one is the negation (SDM 2 appendix B.1.4.7). */
static bool condition_holds(unsigned condition, uint64_t flags)
{
    bool less = !(flags & SF) != !(flags & OF);
    const bool even[] = {flags & OF, flags & CF, flags & ZF, flags & (CF | ZF),
                         flags & SF, flags & PF, less,       less || flags & ZF};
    return even[condition >> 1 & 7] != (condition & 1);
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

/* True if this instruction may have jumped to rip. */
static bool may_jump_to(const struct x86_insn *insn, const uint8_t *bytes, uint64_t at,
                        uint64_t rip, uint64_t flags)
{
    if (insn->vex || insn->map > 1)
        return false;
    bool near = insn->map == 1 && (insn->opcode & 0xf0) == 0x80;
    if (near || (insn->map == 0 && (insn->opcode & 0xf0) == 0x70))
        return target(insn, bytes, at) == rip && condition_holds(insn->opcode & 15, flags);
    if (insn->map != 0)
        return false;
    if (insn->opcode == 0xeb || insn->opcode == 0xe9 || (insn->opcode & 0xfc) == 0xe0)
        return target(insn, bytes, at) == rip;
    return insn->opcode == 0xff && (insn->modrm >> 3 & 7) == 4;
}

bool x86_came_from_halt(const struct byte_reader *memory, struct virt_range function, uint64_t rip,
                        uint64_t rflags)
{
    bool found = false;
    if (virt_range_size(function) > FUNCTION_MAX)
        return false;
    for (uint64_t at = function.start.v; at < function.end.v;) {
        uint8_t bytes[X86_INSN_MAX];
        struct x86_insn insn;
        uint64_t left = function.end.v - at;
        size_t size = left < sizeof bytes ? left : sizeof bytes;
        if (!byte_read(memory, at, bytes, size) || !x86_decode(bytes, size, &insn) ||
            may_jump_to(&insn, bytes, at, rip, rflags))
            return false;
        found |= at == rip - 1 && insn.length == 1 && bytes[0] == X86_HLT;
        at += insn.length;
    }
    return found;
}
