/* SPDX-License-Identifier: MIT */
/* Reports of arbitrary facts, possible and impossible: no line overruns, and each report is complete. */
#include "diag/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 64
#define LINE_MAX  1024

struct reader {
    const uint8_t *data;
    size_t left;
};

static uint64_t take(struct reader *r, size_t bytes)
{
    uint64_t v = 0;
    for (; bytes > 0 && r->left > 0; bytes--, r->left--)
        v = v << 8 | *r->data++;
    return v;
}

/* A string in a heap block of its exact size, for ASan. */
static char *take_text(struct reader *r, size_t max)
{
    size_t length = take(r, 1) % max;
    char *text = malloc(length + 1);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)take(r, 1);
    text[length] = '\0';
    return text;
}

static struct fault_neighbour take_neighbour(struct reader *r)
{
    struct fault_neighbour n = {.there = take(r, 1) & 1};
    n.range = virt_range(take(r, 8), take(r, 8));
    n.prot.bits = (uint8_t)take(r, 1);
    n.kind = (enum area_kind)(take(r, 1) % 4);
    n.flags = (uint32_t)take(r, 4);
    for (size_t i = 0; i < sizeof n.name - 1 && r->left > 0; i++)
        if ((n.name[i] = (char)take(r, 1)) == '\0')
            break;
    return n;
}

static struct pt_walk take_walk(struct reader *r, virt_t address)
{
    struct pt_walk walk = {.address = address};
    uint64_t shape = take(r, 1);
    walk.last_level = 1 + (int)(shape % (PT_LEVELS + 1));
    walk.leaf_level = shape & 0x80 && walk.last_level <= 3 ? walk.last_level : 0;
    walk.writable = shape & 0x40;
    walk.executable = shape & 0x20;
    for (int level = 1; level <= PT_LEVELS; level++)
        walk.entry[level].v = take(r, 8);
    return walk;
}

static unsigned lines;

static void take_line(void *context, const char *line)
{
    (void)context;
    if (strlen(line) >= LINE_MAX || ++lines > LINES_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = {data, size};
    char *who = take_text(&r, 60), *reason = take_text(&r, 240);
    struct fault_facts f = {.who = who, .version = "1.2.3"};
    uint64_t shape = take(&r, 2);
    f.vector = shape & 1 ? (unsigned)take(&r, 1) : 14;
    f.cause = (enum fault_cause)((shape >> 13) % 5);
    f.reason = shape & 2 ? reason : NULL;
    f.signal = shape & 4 ? "SIGSEGV" : NULL;
    f.exception = shape & 8 ? "general protection" : NULL;
    f.panic = shape & 16;
    f.has_address = shape & 32;
    f.computed = shape & 64;
    f.walked = shape & 128;
    f.has_popped = shape & 256;
    f.has_top = shape & 512;
    f.past_file = shape & 1024;
    f.out_of_memory = shape & 2048;
    f.stack.there = shape & 4096;
    f.access = (enum fault_access)(take(&r, 1) % 3);
    f.address = virt(take(&r, 8));
    f.error = take(&r, 8);
    f.time_ns = take(&r, 8);
    f.phys_end = take(&r, 8);
    f.stack.range = virt_range(take(&r, 8), take(&r, 8));
    f.stack.guard = take(&r, 8);
    f.byte_count = (uint8_t)(take(&r, 1) % (X86_INSN_MAX + 1));
    for (unsigned i = 0; i < f.byte_count; i++)
        f.bytes[i] = (uint8_t)take(&r, 1);
    f.has_insn = x86_decode(f.bytes, f.byte_count, &f.insn);
    f.walk = take_walk(&r, f.address);
    for (unsigned i = 0; i < X86_REGISTERS; i++)
        f.registers[i] = take(&r, 8);
    f.top = f.popped = take(&r, 8);
    f.here = take_neighbour(&r);
    f.below = take_neighbour(&r);
    f.above = take_neighbour(&r);
    for (unsigned i = 0; i < 2; i++)
        f.past[i] = (struct fault_past){take(&r, 1) & 1, (uint8_t)take(&r, 1),
                                        prot_rw(),       virt_range(take(&r, 8), take(&r, 8)),
                                        take(&r, 8),     1,
                                        "by munmap"};
    f.bank_count = (unsigned)take(&r, 1) % (FAULT_BANKS + 1);
    f.machine_check_status = take(&r, 1);
    for (unsigned i = 0; i < f.bank_count; i++)
        f.banks[i] = (struct fault_bank){(unsigned)take(&r, 1), take(&r, 8), take(&r, 8), 0};
    lines = 0;
    fault_report_write(&f, take_line, NULL);
    fault_report_code(&f, take_line, NULL);
    if (lines < (f.cause == FAULT_BY_DEADLOCK ? 3 : 4))
        abort();
    fault_report_hint(&f, take_line, NULL);
    fault_report_headline(&f, take_line, NULL);
    free(who);
    free(reason);
    return 0;
}
