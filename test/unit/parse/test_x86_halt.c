/* SPDX-License-Identifier: MIT */
/*
 * Whether execution passed a `hlt` or jumped over it: each condition with all flags, against the CPU
 * that runs this test; and code that leaves it open.
 */
#include "parse/x86_halt.h"

#include "unit.h"

#include <string.h>

struct code {
    const char *bytes;
    size_t size;
};

#define BASE UINT64_C(0x401000)

static bool read_code(void *context, uint64_t at, void *to, size_t size)
{
    const struct code *c = context;
    if (at < BASE || at - BASE > c->size || size > c->size - (at - BASE))
        return false;
    memcpy(to, c->bytes + (at - BASE), size);
    return true;
}

static bool came(const char *bytes, size_t size, size_t rip, uint64_t flags)
{
    struct code c = {bytes, size};
    const struct byte_reader reader = {read_code, &c};
    uint16_t jumps = x86_jumps_behind_halt(&reader, virt_range(BASE, BASE + size), BASE + rip);
    return x86_came_from_halt(jumps, flags);
}
#define CAME(bytes, rip) came(bytes, sizeof bytes - 1, rip, 0x202)

/* Evaluates condition n on the CPU. */
#define CONDITION(n)                                                                               \
    case n:                                                                                        \
        __asm__ volatile("push %1; popf; .byte 0x0f, 0x90 + %c2, 0xc0"                             \
                         : "=&a"(holds)                                                            \
                         : "r"(flags), "i"(n)                                                      \
                         : "cc");                                                                  \
        break;

static bool cpu_condition(unsigned n, uint64_t flags)
{
    uint8_t holds = 2;
    switch (n) {
        CONDITION(0);
        CONDITION(1);
        CONDITION(2);
        CONDITION(3);
        CONDITION(4);
        CONDITION(5);
        CONDITION(6);
        CONDITION(7);
        CONDITION(8);
        CONDITION(9);
        CONDITION(10);
        CONDITION(11);
        CONDITION(12);
        CONDITION(13);
        CONDITION(14);
        CONDITION(15);
    }
    return holds != 0;
}

static void test_jumps_follow_the_flags(void **state)
{
    static const uint64_t bits[] = {1, 4, 64, 128, 2048}; /* CF PF ZF SF OF */
    (void)state;
    for (unsigned n = 0; n < 16; n++) {
        for (unsigned mix = 0; mix < 32; mix++) {
            char near[] = "\x0f\x80\x01\x00\x00\x00\xf4\x90\xc3", jump[] = "\x70\x01\xf4\x90\xc3";
            uint64_t flags = 0x202;
            for (unsigned i = 0; i < 5; i++)
                flags |= mix >> i & 1 ? bits[i] : 0;
            jump[0] = (char)(0x70 + n);
            near[1] = (char)(0x80 + n);
            bool taken = cpu_condition(n, flags);
            assert_int_equal(came(jump, 5, 3, flags), !taken);
            assert_int_equal(came(near, 9, 7, flags), !taken);
        }
    }
}

static void test_halt_before_rip_is_recognized(void **state)
{
    (void)state;
    assert_true(CAME("\xf4\xc3", 1));
    assert_true(CAME("\x55\xf4\x5d\xc3", 2));
    assert_true(CAME("\xff\xd0\xf4\xc3", 3));              /* a call through a register returns */
    assert_true(CAME("\xeb\x02\x90\xf4\x90\xc3", 4) == 0); /* jmp over the hlt */
    assert_true(CAME("\xeb\x01\x90\xf4\x90\xc3", 4));      /* jmp to the hlt */
    assert_true(CAME("\xf4\xc3\xeb\xfc", 1));              /* jmp back, to the hlt */
}

static void test_no_halt_in_doubt(void **state)
{
    (void)state;
    assert_false(CAME("\x8b\x45\xf4\xc3", 3)); /* mov -12(%rbp), %eax: no hlt */
    assert_false(CAME("\xf3\xf4\xc3", 2));     /* with a prefix */
    assert_false(CAME("\xff\xe0\xf4\xc3", 3)); /* jmp *%rax: anywhere */
    assert_false(CAME("\xe9\x01\x00\x00\x00\xf4\xc3", 6));
    assert_false(CAME("\xe2\x01\xf4\xc3", 3));     /* loop */
    assert_false(CAME("\xe3\x01\xf4\xc3", 3));     /* jrcxz */
    assert_false(CAME("\xf4\x90\xeb\xfd\xc3", 1)); /* jmp back, after the hlt */
    assert_false(CAME("\x06\xf4\xc3", 2));         /* no instruction */
    assert_false(CAME("\xf4\xc3", 2));
    assert_false(CAME("\xf4\xc3", 100));
    assert_false(CAME("\xf4\xe8", 1)); /* cut short */
    struct code c = {"\xf4", 1};
    const struct byte_reader reader = {read_code, &c};
    static const uint64_t sizes[] = {1 << 20, 2, 0};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(
            x86_jumps_behind_halt(&reader, virt_range(BASE, BASE + sizes[i]), BASE + 1),
            X86_HALT_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jumps_follow_the_flags),
        cmocka_unit_test(test_halt_before_rip_is_recognized),
        cmocka_unit_test(test_no_halt_in_doubt),
    };
    return RUN_TESTS(tests);
}
