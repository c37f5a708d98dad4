/* SPDX-License-Identifier: MIT */
/*
 * Unwind tables, stack and registers from one block of bytes, which is all the memory there is, at an
 * address that suits the compiler's tables. A step must end, and a successful one must have a rip.
 */
#include "parse/eh_frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE      UINT64_C(0x400000)
#define STEPS     16
#define READS_MAX 2000000

struct memory {
    const uint8_t *bytes;
    size_t size;
    unsigned reads;
};

static bool read_memory(void *context, uint64_t at, void *to, size_t size)
{
    struct memory *m = context;
    if (++m->reads > READS_MAX)
        abort();
    if (at < BASE || at - BASE > m->size || size > m->size - (at - BASE))
        return false;
    memcpy(to, m->bytes + (at - BASE), size);
    return true;
}

static uint64_t word(const uint8_t *data, unsigned n)
{
    uint64_t v;
    memcpy(&v, data + 8 * n, 8);
    return v;
}

#define HEAD_WORDS                                                                                 \
    8 /* rip, rsp, rbp, offsets and sizes of the tables, other registers, their mask */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD_WORDS * 8)
        return 0;
    struct memory m = {data + HEAD_WORDS * 8, size - HEAD_WORDS * 8, 0};
    const struct byte_reader reader = {read_memory, &m};
    const struct unwind_tables tables = {BASE + (uint32_t)word(data, 3), word(data, 3) >> 32,
                                         BASE + (uint32_t)word(data, 4), word(data, 4) >> 32};
    struct unwind_frame frame = {.known = (uint32_t)word(data, 6), .exact = word(data, 7) & 1};
    for (unsigned i = 0; i < UNWIND_REGISTERS; i++)
        frame.r[i] = word(data, 5) + i;
    frame.r[UNWIND_RIP] = word(data, 0);
    frame.r[UNWIND_RSP] = word(data, 1);
    frame.r[UNWIND_RBP] = word(data, 2);
    const uint32_t needed = 1U << UNWIND_RIP | 1U << UNWIND_RSP;
    frame.known |= needed;
    for (unsigned i = 0; i < STEPS; i++) {
        struct unwind_frame before = frame;
        if (!eh_frame_step(&reader, &tables, &frame)) {
            if (memcmp(&before, &frame, sizeof frame) != 0)
                abort(); /* the frame is unchanged */
            break;
        }
        if ((frame.known & needed) != needed || frame.known >> UNWIND_REGISTERS != 0 ||
            frame.r[UNWIND_RIP] == 0)
            abort();
    }
    return 0;
}
