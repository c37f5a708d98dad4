/* SPDX-License-Identifier: MIT */
#include "guest.h"

#include "cpu/x86.h"
#include "diag/panic.h"
#include "mm/vm/areas.h"
#include "mm/init/memory.h"
#include "mm/pt/backend.h"

/* The access under way: where execution resumes if it faults, and with which stack pointer. */
static struct {
    uint64_t rip; /* 0: none */
    uint64_t rsp;
    struct guest_fault fault;
} attempt;

static trap_handler former[VECTOR_EXCEPTIONS];

static void on_exception(struct trap_frame *frame)
{
    unsigned vector = (unsigned)frame->vector;
    if (attempt.rip == 0) {
        if (former[vector] == NULL)
            panic_at(frame, "a test caused: %s", trap_name(vector));
        former[vector](frame);
        return;
    }
    attempt.fault = (struct guest_fault){
        .vector = vector,
        .error = frame->error,
        .address = vector == VECTOR_PAGE_FAULT ? read_cr2() : 0,
    };
    frame->rip = attempt.rip;
    frame->rsp = attempt.rsp;
    attempt.rip = 0;
}

/* The handlers stay installed: the table is read-only after the boot's data is sealed. */
GUEST_SETUP(install_handlers)
{
    static const uint8_t vectors[] = {VECTOR_DIVIDE, VECTOR_BREAKPOINT, VECTOR_INVALID_OPCODE,
                                      VECTOR_GENERAL_PROTECTION, VECTOR_PAGE_FAULT};
    fault_init();
    for (size_t i = 0; i < sizeof vectors; i++)
        former[vectors[i]] = trap_set_handler(vectors[i], on_exception);
}

/* The guard over the back end's own range exists before the heap is counted. */
GUEST_SETUP(close_reserved_range)
{
    areas_clear(running_space);
}

#define ATTEMPT_BEGIN   "leaq 9f(%%rip), %%rax\n\tmovq %%rsp, %[rsp]\n\tmovq %%rax, %[rip]\n\t"
#define ATTEMPT_END     "\n9:\n\tmovq $0, %[rip]\n\t"
#define ATTEMPT_OUTPUTS [rip] "+m"(attempt.rip), [rsp] "=m"(attempt.rsp)

static void attempt_start(void)
{
    attempt.fault = (struct guest_fault){.vector = NO_FAULT};
}

NOINLINE struct guest_fault guest_read(virt_t at, uint64_t *out)
{
    uint64_t value = 0;
    attempt_start();
    __asm__ volatile(ATTEMPT_BEGIN "movq (%[at]), %[value]" ATTEMPT_END
                     : ATTEMPT_OUTPUTS, [value] "+r"(value)
                     : [at] "r"(at.v)
                     : "rax", "memory");
    if (attempt.fault.vector == NO_FAULT && out != NULL)
        *out = value;
    return attempt.fault;
}

NOINLINE struct guest_fault guest_write(virt_t at, uint64_t value)
{
    attempt_start();
    __asm__ volatile(ATTEMPT_BEGIN "movq %[value], (%[at])" ATTEMPT_END:ATTEMPT_OUTPUTS
                     : [at] "r"(at.v), [value] "r"(value)
                     : "rax", "memory");
    return attempt.fault;
}

NOINLINE struct guest_fault guest_call(virt_t at)
{
    attempt_start();
    __asm__ volatile(ATTEMPT_BEGIN "call *%[at]" ATTEMPT_END:ATTEMPT_OUTPUTS
                     : [at] "r"(at.v)
                     : "rax", "memory", "cc");
    return attempt.fault;
}

NOINLINE struct guest_fault guest_undefined(void)
{
    attempt_start();
    __asm__ volatile(ATTEMPT_BEGIN "ud2" ATTEMPT_END:ATTEMPT_OUTPUTS : : "rax", "memory");
    return attempt.fault;
}

NOINLINE struct guest_fault guest_breakpoint(void)
{
    attempt_start();
    __asm__ volatile(ATTEMPT_BEGIN "int3" ATTEMPT_END:ATTEMPT_OUTPUTS : : "rax", "memory");
    return attempt.fault;
}

NOINLINE struct guest_fault guest_divide_by_zero(void)
{
    attempt_start();
    __asm__ volatile(ATTEMPT_BEGIN "xorl %%ecx, %%ecx\n\txorl %%edx, %%edx\n\tdivl %%ecx"
                     ATTEMPT_END:ATTEMPT_OUTPUTS
                     :
                     : "rax", "rcx", "rdx", "memory", "cc");
    return attempt.fault;
}

void guest_check_fault(const char *file, int line, const struct guest_fault *pair)
{
    const struct guest_fault *got = &pair[0], *expected = &pair[1];
    if (got->vector == expected->vector && got->error == expected->error &&
        got->address == expected->address)
        return;
    if (got->vector == NO_FAULT)
        guest_test_fail(file, line, "no fault; expected vector %u error 0x%llx address 0x%llx",
                        expected->vector, ULL(expected->error), ULL(expected->address));
    else if (expected->vector == NO_FAULT)
        guest_test_fail(file, line, "vector %u error 0x%llx address 0x%llx; expected no fault",
                        got->vector, ULL(got->error), ULL(got->address));
    else
        guest_test_fail(file, line,
                        "vector %u error 0x%llx address 0x%llx; expected %u 0x%llx 0x%llx",
                        got->vector, ULL(got->error), ULL(got->address), expected->vector,
                        ULL(expected->error), ULL(expected->address));
}

uint64_t guest_fetch_bit(void)
{
    return cpu_features.nx ? PF_EXECUTE : 0;
}

static uint64_t random_state = 1;

void guest_random_seed(uint64_t seed)
{
    random_state = seed;
}

/* xorshift64* (Vigna 2016) */
uint64_t guest_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

phys_t guest_frame(uint64_t value)
{
    phys_t frame;
    if (frames_alloc(&machine_frames, 0, &frame) != E_OK) {
        guest_test_fail(__FILE__, __LINE__, "no frame is left");
        return phys(0);
    }
    guest_frame_set_word(frame, value);
    return frame;
}

uint64_t guest_frame_word(phys_t frame)
{
    return *(volatile uint64_t *)memory_scratch(frame);
}

void guest_frame_set_word(phys_t frame, uint64_t value)
{
    *(volatile uint64_t *)memory_scratch(frame) = value;
}

/* Taken frames form linked lists: the first word of each holds the next. */
static phys_t tables_taken;

static void take_tables(void)
{
    phys_t frame;
    while (paging->access->own_frames && paging->access->alloc(&frame)) {
        guest_frame_set_word(frame, tables_taken.v);
        tables_taken = frame;
    }
}

static bool give_table(void)
{
    if (tables_taken.v == 0)
        return false;
    phys_t next = phys(guest_frame_word(tables_taken));
    paging->access->free(tables_taken);
    tables_taken = next;
    return true;
}

phys_t guest_take_frames(uint64_t keep)
{
    phys_t last = phys(0), frame;
    while (machine_frames.free_frames > keep && frames_alloc(&machine_frames, 0, &frame) == E_OK) {
        guest_frame_set_word(frame, last.v);
        last = frame;
    }
    take_tables();
    return last;
}

void guest_give_frame(phys_t *taken)
{
    give_table();
    if (taken->v == 0)
        return;
    phys_t next = phys(guest_frame_word(*taken));
    frames_put(&machine_frames, *taken);
    *taken = next;
}

void guest_give_frames(phys_t taken)
{
    while (give_table())
        ;
    while (taken.v != 0)
        guest_give_frame(&taken);
}
