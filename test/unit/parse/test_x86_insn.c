/* SPDX-License-Identifier: MIT */
/*
 * Lengths against objdump, for the first part of each of this computer's binaries (all of them would
 * take minutes), and memory operands against hand-written values.
 */
#include "parse/x86_insn.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct x86_insn decode(const char *bytes, size_t size)
{
    struct x86_insn insn;
    assert_true(x86_decode((const uint8_t *)bytes, size, &insn));
    assert_int_equal(insn.length, size);
    for (size_t n = 0; n < size; n++) {
        struct x86_insn cut;
        assert_false(x86_decode((const uint8_t *)bytes, n, &cut));
    }
    return insn;
}
#define DECODE(bytes) decode(bytes, sizeof bytes - 1)

static const uint64_t registers[X86_REGISTERS] = {
    0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000, 0x7000,  0x8000,   0x9000,
    0xa000, 0xb000, 0xc000, 0xd000, 0xe000, 0xf000, 0x10000, 0x400000,
};

static void expect(struct x86_insn insn, unsigned n, uint64_t address, unsigned size,
                   const char *rw)
{
    const struct x86_operand *m = &insn.operand[n];
    assert_true(n < insn.operands);
    assert_int_equal(x86_address(&insn, m, registers, 0x70000000, 0x80000000), address);
    assert_int_equal(m->size, size);
    assert_int_equal(m->read, strchr(rw, 'r') != NULL);
    assert_int_equal(m->write, strchr(rw, 'w') != NULL);
}

static void test_operand_address_and_size(void **state)
{
    (void)state;
    expect(DECODE("\x8b\x07"), 0, 0x8000, 4, "r");                     /* mov (%rdi),%eax */
    expect(DECODE("\x48\x89\x47\x18"), 0, 0x8018, 8, "w");             /* mov %rax,0x18(%rdi) */
    expect(DECODE("\x66\x89\x47\xf8"), 0, 0x7ff8, 2, "w");             /* mov %ax,-8(%rdi) */
    expect(DECODE("\x88\x04\x8b"), 0, 0xc000, 1, "w");                 /* mov %al,(%rbx,%rcx,4) */
    expect(DECODE("\x43\x8b\x04\xc8"), 0, 0x59000, 4, "r");            /* mov (%r8,%r9,8),%eax */
    expect(DECODE("\x8b\x05\x10\x00\x00\x00"), 0, 0x400016, 4, "r");   /* mov 0x10(%rip),%eax */
    expect(DECODE("\x8b\x04\x25\x34\x12\x00\x00"), 0, 0x1234, 4, "r"); /* mov 0x1234,%eax */
    expect(DECODE("\x64\x48\x8b\x04\x25\x28\x00\x00\x00"), 0, 0x70000028, 8, "r");
    expect(DECODE("\x65\x8b\x07"), 0, 0x80008000, 4, "r");
    expect(DECODE("\x67\x8b\x47\xff"), 0, 0x7fff, 4, "r");
    expect(DECODE("\x48\x8d\x47\x08"), 0, 0x8008, 8, "");       /* lea */
    expect(DECODE("\x48\x01\x07"), 0, 0x8000, 8, "rw");         /* add %rax,(%rdi) */
    expect(DECODE("\x83\x3f\x01"), 0, 0x8000, 4, "r");          /* cmpl $1,(%rdi) */
    expect(DECODE("\x83\x07\x01"), 0, 0x8000, 4, "rw");         /* addl $1,(%rdi) */
    expect(DECODE("\x0f\xb6\x07"), 0, 0x8000, 1, "r");          /* movzbl (%rdi),%eax */
    expect(DECODE("\x0f\x29\x44\x24\x08"), 0, 0x5008, 16, "w"); /* movaps %xmm0,8(%rsp) */
    expect(DECODE("\xf2\x0f\x10\x07"), 0, 0x8000, 8, "r");      /* movsd (%rdi),%xmm0 */
    expect(DECODE("\xc5\xfc\x28\x07"), 0, 0x8000, 32, "r");     /* vmovaps (%rdi),%ymm0 */
    expect(DECODE("\xff\x17"), 0, 0x8000, 8, "r");              /* call *(%rdi) */
    expect(DECODE("\xff\x17"), 1, 0x4ff8, 8, "w");
    expect(DECODE("\x50"), 0, 0x4ff8, 8, "w"); /* push %rax */
    expect(DECODE("\xe8\x00\x00\x00\x00"), 0, 0x4ff8, 8, "w");
    expect(DECODE("\xc3"), 0, 0x5000, 8, "r");         /* ret */
    expect(DECODE("\xf3\x48\xa5"), 0, 0x7000, 8, "r"); /* rep movsq */
    expect(DECODE("\xf3\x48\xa5"), 1, 0x8000, 8, "w");
    expect(DECODE("\xf3\xaa"), 0, 0x8000, 1, "w"); /* rep stosb */
    expect(DECODE("\xd9\x07"), 0, 0x8000, 4, "r"); /* flds (%rdi) */
    assert_int_equal(DECODE("\x89\xc0").operands, 0);
    assert_int_equal(DECODE("\x0f\x0b").operands, 0);
}

static void test_invalid_bytes_are_refused(void **state)
{
    (void)state;
    struct x86_insn insn;
    static const uint8_t prefixes[16] = {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                         0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90};
    assert_false(x86_decode(prefixes, sizeof prefixes, &insn));
    assert_true(x86_decode(prefixes + 1, sizeof prefixes - 1, &insn));
    for (const char *p = "\x06\x27\x60\x9a\xea"; *p; p++) {
        uint8_t bytes[16] = {(uint8_t)*p};
        assert_false(x86_decode(bytes, sizeof bytes, &insn));
    }
    srand(1);
    for (unsigned round = 0; round < 500000; round++) {
        uint8_t bytes[16];
        size_t size = (unsigned)rand() % 16;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)rand();
        uint8_t *copy = malloc(size + 1);
        memcpy(copy + 1, bytes, size);
        if (x86_decode(copy + 1, size, &insn))
            assert_true(insn.length > 0 && insn.length <= size && insn.operands <= 2);
        free(copy);
    }
}

/* "  401000:\t8b 07 \tmov ..." */
static size_t parse_line(const char *line, uint8_t bytes[32], const char **text)
{
    size_t n = 0;
    const char *p = strchr(line, '\t');
    *text = p != NULL ? strchr(p + 1, '\t') : NULL;
    if (*text == NULL)
        return 0;
    for (p++; p < *text && n < 32; n++) {
        char *end;
        bytes[n] = (uint8_t)strtoul(p, &end, 16);
        if (end == p)
            break;
        for (p = end; *p == ' '; p++)
            continue;
    }
    return n;
}

static void check_file(const char *path, unsigned least)
{
    char line[512];
    unsigned checked = 0;
    snprintf(line, sizeof line, "objdump -d -w %s 2>/dev/null | head -n 150000", path);
    FILE *in = popen(line, "r"); /* NOLINT */
    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        uint8_t bytes[32];
        const char *text;
        struct x86_insn insn;
        size_t n = parse_line(line, bytes, &text);
        /* objdump prints fwait and the next instruction as one. */
        if (n == 0 || bytes[0] == 0x9b || strstr(text, "(bad)") != NULL)
            continue;
        checked++;
        if (!x86_decode(bytes, n, &insn) || insn.length != n)
            fail_msg("%s: %u bytes, not: %s", path, insn.length, line);
    }
    pclose(in);
    if (checked < least)
        fail_msg("%s: only %u instructions", path, checked);
}

static void test_against_objdump(void **state)
{
    (void)state;
    check_file("/lib/x86_64-linux-gnu/libc.so.6", 100000);
    check_file("/lib/x86_64-linux-gnu/libm.so.6", 50000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operand_address_and_size),
        cmocka_unit_test(test_invalid_bytes_are_refused),
        cmocka_unit_test(test_against_objdump),
    };
    return RUN_TESTS(tests);
}
