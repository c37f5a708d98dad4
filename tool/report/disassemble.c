/* SPDX-License-Identifier: MIT */
#include "report/disassemble.h"

#include <Zydis/Zydis.h>
#include <stdio.h>

bool disassemble(uint64_t address, const uint8_t *bytes, size_t size, char *to, size_t room)
{
    ZydisDisassembledInstruction out;
    if (!ZYAN_SUCCESS(
            ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, address, bytes, size, &out)))
        return false;
    snprintf(to, room, "%s", out.text);
    return true;
}
