/* SPDX-License-Identifier: MIT */
/* Any bytes as an instruction: no read past them, a length of at most 15, independent of what follows. */
#include "parse/x86_insn.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_operand(const struct x86_insn *insn, const struct x86_operand *o)
{
    uint64_t registers[X86_REGISTERS];
    for (unsigned i = 0; i < X86_REGISTERS; i++)
        registers[i] = UINT64_C(0x0123456789abcdef) * (i + 1);
    uint64_t at = x86_address(insn, o, registers, 1, 2);
    bool scale = o->scale == 1 || o->scale == 2 || o->scale == 4 || o->scale == 8;
    if (o->base > X86_NONE || o->index > X86_NONE || (o->index != X86_NONE && !scale) ||
        x86_register_name(o->base) == NULL || (o->short_address && o->segment == 0 && at >> 32))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct x86_insn insn, again;
    uint8_t longer[X86_INSN_MAX + 8];
    uint8_t *exact = malloc(size != 0 ? size : 1); /* of the exact size, for ASan */
    memcpy(exact, data, size);
    bool good = x86_decode(exact, size, &insn);
    free(exact);
    if (!good)
        return 0;
    if (insn.length == 0 || insn.length > X86_INSN_MAX || insn.length > size || insn.operands > 2)
        abort();
    for (unsigned i = 0; i < insn.operands; i++)
        check_operand(&insn, &insn.operand[i]);
    memcpy(longer, data, insn.length);
    memset(longer + insn.length, 0xcc, sizeof longer - insn.length);
    if (!x86_decode(longer, sizeof longer, &again) || again.length != insn.length ||
        again.operands != insn.operands || x86_decode(data, (size_t)insn.length - 1, &again))
        abort();
    return 0;
}
