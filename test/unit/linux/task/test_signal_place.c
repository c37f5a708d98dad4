/* SPDX-License-Identifier: MIT */
#include "linux/task/signal_frame.h"

#include "unit.h"

#include <string.h>

#define FPU_SIZE 836 /* 832 bytes of XSAVE with AVX, and a magic word */

/* Offsets from asm/sigcontext.h and asm/ucontext.h, which handlers rely on. */
static void test_offsets_are_those_of_linux(void **state)
{
    (void)state;
    assert_int_equal(offsetof(struct signal_context, rdi), 64);
    assert_int_equal(offsetof(struct signal_context, rax), 104);
    assert_int_equal(offsetof(struct signal_context, rsp), 120);
    assert_int_equal(offsetof(struct signal_context, rip), 128);
    assert_int_equal(offsetof(struct signal_context, rflags), 136);
    assert_int_equal(offsetof(struct signal_context, cs), 144);
    assert_int_equal(offsetof(struct signal_context, ss), 150);
    assert_int_equal(offsetof(struct signal_context, cr2), 176);
    assert_int_equal(offsetof(struct signal_context, fpstate), 184);
    assert_int_equal(offsetof(struct signal_ucontext, context), 40);
    assert_int_equal(offsetof(struct signal_ucontext, mask), 296);
    assert_int_equal(offsetof(struct signal_frame, info), 312);
    assert_int_equal(offsetof(struct siginfo, code), 8);
    assert_int_equal(offsetof(struct siginfo, user), 16);
    assert_int_equal(offsetof(struct siginfo, user.value), 24);
    assert_int_equal(offsetof(struct siginfo, timer.value), 24);
    assert_int_equal(sizeof(struct signal_software), 48);
}

static void test_alignment_and_red_zone(void **state)
{
    (void)state;
    const struct signal_stack none = {.flags = SS_DISABLE};
    for (uint64_t rsp = 0x7fff00000000; rsp < 0x7fff00000100; rsp++) {
        struct signal_placement p;
        assert_int_equal(signal_place(rsp, SA_SIGINFO | SA_ONSTACK, &none, FPU_SIZE, &p), E_OK);
        assert_int_equal((p.frame + 8) % 16, 0);
        assert_int_equal(p.fpstate % 64, 0);
        assert_true(p.fpstate + FPU_SIZE <= rsp - 128);
        assert_true(p.frame + sizeof(struct signal_frame) <= p.fpstate);
        assert_false(p.on_alternate);
    }
}

static void test_frame_on_the_alternate_stack(void **state)
{
    (void)state;
    const struct signal_stack stack = {.base = 0x10000, .size = 8192};
    struct signal_placement p;
    assert_int_equal(signal_place(0x7fff0000, SA_ONSTACK, &stack, FPU_SIZE, &p), E_OK);
    assert_true(p.on_alternate && p.frame > stack.base);
    assert_true(p.fpstate + FPU_SIZE <= stack.base + stack.size);
    /* without the flag, on the normal stack */
    assert_int_equal(signal_place(0x7fff0000, 0, &stack, FPU_SIZE, &p), E_OK);
    assert_false(p.on_alternate);
    assert_true(p.frame > 0x7ff00000);
    /* nested: below the current frame, after the red zone */
    assert_int_equal(signal_place(0x11000, SA_ONSTACK, &stack, FPU_SIZE, &p), E_OK);
    assert_false(p.on_alternate);
    assert_true(p.fpstate + FPU_SIZE <= 0x11000 - 128);
}

static void test_overflow_of_the_alternate_stack(void **state)
{
    (void)state;
    const struct signal_stack stack = {.base = 0x10000, .size = 8192};
    const struct signal_stack tiny = {.base = 0x10000, .size = 1024};
    struct signal_placement p;
    assert_int_equal(signal_place(0x10300, SA_ONSTACK, &stack, FPU_SIZE, &p), E_FAULT);
    assert_int_equal(signal_place(0x7fff0000, SA_ONSTACK, &tiny, FPU_SIZE, &p), E_FAULT);
    /* below address zero */
    const struct signal_stack none = {.flags = SS_DISABLE};
    assert_int_equal(signal_place(64, 0, &none, FPU_SIZE, &p), E_FAULT);
}

static void test_sigaltstack_refusals(void **state)
{
    (void)state;
    struct signal_stack stack = {.flags = SS_DISABLE};
    const struct signal_stack good = {.base = 0x10000, .size = MINSIGSTKSZ};
    const struct signal_stack small = {.base = 0x10000, .size = MINSIGSTKSZ - 1};
    const struct signal_stack odd = {.base = 0x10000, .flags = 4, .size = 8192};
    const struct signal_stack off = {.base = 5, .flags = SS_DISABLE, .size = 6};
    assert_int_equal(signal_stack_flags(0x10100, &stack), SS_DISABLE);
    assert_int_equal(signal_stack_change(&stack, &small, 0), E_NOMEM);
    assert_int_equal(signal_stack_change(&stack, &odd, 0), E_INVAL);
    assert_int_equal(signal_stack_change(&stack, &good, 0x10100), E_OK);
    assert_int_equal(signal_stack_flags(0x10100, &stack), SS_ONSTACK);
    assert_int_equal(signal_stack_flags(0x10000, &stack), 0);
    assert_int_equal(signal_stack_change(&stack, &off, 0x10100), E_PERM);
    assert_int_equal(signal_stack_change(&stack, &off, 0x20000), E_OK);
    assert_int_equal(stack.size, 0);
    assert_int_equal(signal_stack_flags(0x10100, &stack), SS_DISABLE);

    const struct signal_stack disarm = {.base = 0x10000, .flags = SS_AUTODISARM, .size = 8192};
    assert_int_equal(signal_stack_change(&stack, &disarm, 0), E_OK);
    assert_int_equal(signal_stack_flags(0x10100, &stack), SS_AUTODISARM);
    assert_int_equal(signal_stack_change(&stack, &off, 0x10100), E_OK);
}

/* A handler cannot change the bits that the kernel owns. */
static void test_context_keeps_the_kernels_bits(void **state)
{
    (void)state;
    struct trap_frame frame, out;
    struct signal_context context;
    memset(&frame, 0x5a, sizeof frame);
    frame.rflags = 0x202;
    frame.cs = 8;
    frame.ss = 16;
    out = frame;
    signal_context_save(&context, &frame);
    signal_context_load(&out, &context);
    assert_memory_equal(&out, &frame, sizeof frame);

    context.rflags = UINT64_MAX;
    context.cs = 0x33;
    context.ss = 0x2b;
    signal_context_load(&out, &context);
    assert_int_equal(out.rflags, 0x202 | 0x50dd5);
    context.rflags = 0;
    signal_context_load(&out, &context);
    assert_int_equal(out.rflags, 0x202);
    assert_int_equal(out.cs, 8);
    assert_int_equal(out.ss, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets_are_those_of_linux),
        cmocka_unit_test(test_alignment_and_red_zone),
        cmocka_unit_test(test_frame_on_the_alternate_stack),
        cmocka_unit_test(test_overflow_of_the_alternate_stack),
        cmocka_unit_test(test_sigaltstack_refusals),
        cmocka_unit_test(test_context_keeps_the_kernels_bits),
    };
    return RUN_TESTS(tests);
}
