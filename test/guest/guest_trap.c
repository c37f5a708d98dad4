/* SPDX-License-Identifier: MIT */
/* Exceptions in the kernel: vector and error code are the SDM's, and every register is restored. */
#include "guest.h"

#include "cpu/apic.h"
#include "cpu/irq.h"
#include "cpu/machine_check.h"
#include "cpu/nmi_timer.h"
#include "cpu/x86.h"
#include "kern/time.h"

GUEST_TEST(test_exceptions_have_their_vectors)
{
    CHECK_FAULT(guest_undefined(), VECTOR_INVALID_OPCODE, 0);
    CHECK_FAULT(guest_breakpoint(), VECTOR_BREAKPOINT, 0);
    CHECK_FAULT(guest_divide_by_zero(), VECTOR_DIVIDE, 0);
}

GUEST_TEST(test_read_non_canonical)
{
    CHECK_FAULT(guest_read(virt(UINT64_C(1) << 47), NULL), VECTOR_GENERAL_PROTECTION, 0);
    CHECK_FAULT(guest_write(virt(UINT64_C(0x1234567890abcde8)), 1), VECTOR_GENERAL_PROTECTION, 0);
    CHECK_FAULT(guest_read(virt(UINT64_C(0xffff7ffffffffff8)), NULL), VECTOR_GENERAL_PROTECTION, 0);
}

/* A fault does not change RFLAGS.IF of the interrupted code. */
GUEST_TEST(test_interrupt_flag_survives_faults)
{
    uint64_t flags = irq_save();
    irq_restore(flags);
    CHECK(flags & RFLAGS_IF);
    guest_read(virt(0), NULL);
    flags = irq_save();
    CHECK(flags & RFLAGS_IF);
    guest_read(virt(0), NULL);
    uint64_t off = irq_save();
    CHECK(!(off & RFLAGS_IF));
    irq_restore(flags);
}

static void do_nothing(struct trap_frame *frame)
{
    (void)frame;
}

#define REGISTERS 15

/* Loads all general registers from `before`, executes int3, and stores them to `after`. */
static NOINLINE void trap_with_registers(const uint64_t before[REGISTERS],
                                         uint64_t after[REGISTERS])
{
    __asm__ volatile("pushq %%rbp\n\t"
                     "pushq %%rbx\n\t"
                     "pushq %[after]\n\t"
                     "movq %[before], %%rax\n\t"
                     "movq 8(%%rax), %%rbx\n\t"
                     "movq 16(%%rax), %%rcx\n\t"
                     "movq 24(%%rax), %%rdx\n\t"
                     "movq 32(%%rax), %%rsi\n\t"
                     "movq 40(%%rax), %%rdi\n\t"
                     "movq 48(%%rax), %%rbp\n\t"
                     "movq 56(%%rax), %%r8\n\t"
                     "movq 64(%%rax), %%r9\n\t"
                     "movq 72(%%rax), %%r10\n\t"
                     "movq 80(%%rax), %%r11\n\t"
                     "movq 88(%%rax), %%r12\n\t"
                     "movq 96(%%rax), %%r13\n\t"
                     "movq 104(%%rax), %%r14\n\t"
                     "movq 112(%%rax), %%r15\n\t"
                     "movq (%%rax), %%rax\n\t"
                     "int3\n\t"
                     "xchgq (%%rsp), %%rax\n\t"
                     "movq %%rbx, 8(%%rax)\n\t"
                     "movq %%rcx, 16(%%rax)\n\t"
                     "movq %%rdx, 24(%%rax)\n\t"
                     "movq %%rsi, 32(%%rax)\n\t"
                     "movq %%rdi, 40(%%rax)\n\t"
                     "movq %%rbp, 48(%%rax)\n\t"
                     "movq %%r8, 56(%%rax)\n\t"
                     "movq %%r9, 64(%%rax)\n\t"
                     "movq %%r10, 72(%%rax)\n\t"
                     "movq %%r11, 80(%%rax)\n\t"
                     "movq %%r12, 88(%%rax)\n\t"
                     "movq %%r13, 96(%%rax)\n\t"
                     "movq %%r14, 104(%%rax)\n\t"
                     "movq %%r15, 112(%%rax)\n\t"
                     "popq (%%rax)\n\t"
                     "popq %%rbx\n\t"
                     "popq %%rbp"
                     : [before] "+S"(before), [after] "+D"(after)
                     :
                     : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "memory", "cc");
}

GUEST_TEST(test_trap_keeps_registers)
{
    uint64_t before[REGISTERS], after[REGISTERS];
    trap_handler old = trap_set_handler(VECTOR_BREAKPOINT, do_nothing);
    guest_random_seed(11);
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < REGISTERS; i++) {
            before[i] = guest_random() * guest_random();
            after[i] = 0;
        }
        trap_with_registers(before, after);
        for (unsigned i = 0; i < REGISTERS; i++)
            CHECK_EQUAL(after[i], before[i]);
    }
    trap_set_handler(VECTOR_BREAKPOINT, old);
}

/* Faults nest: the handler of one causes another. */
static unsigned depth, deepest;

static void nest(struct trap_frame *frame)
{
    (void)frame;
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (depth < 5)
        __asm__ volatile("int3" : : : "memory");
    depth--;
}

GUEST_TEST(test_faults_nest)
{
    trap_handler old = trap_set_handler(VECTOR_BREAKPOINT, nest);
    depth = deepest = 0;
    nest(NULL);
    CHECK_EQUAL(depth, 0);
    CHECK_EQUAL(deepest, 5);
    trap_set_handler(VECTOR_BREAKPOINT, old);
}

/* Values of the control registers on which protection depends. Without user pages (mm/pt/audit.h)
 * SMEP and SMAP would have no effect: they are off. */
/* A vector that no driver expects is logged, and the machine goes on. */
GUEST_TEST(test_unexpected_interrupt)
{
    __asm__ volatile("int $0x7f" : : : "memory");
    __asm__ volatile("int $0xf0" : : : "memory");
    CHECK(!apic_in_service(0x7f));
    CHECK(!apic_in_service(VECTOR_PIC));
}

GUEST_TEST(test_control_registers)
{
    CHECK_EQUAL(read_cr0(), CR0_KNOWN);
    CHECK(CR0_KNOWN & UINT64_C(1) << 16); /* WP */
    CHECK_EQUAL(read_cr4(), CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT |
                                (cpu_features.xsave ? CR4_OSXSAVE : 0) |
                                (machine_check_there(cpu_features.leaf1_edx) ? CR4_MCE : 0));
    CHECK_EQUAL(rdmsr(MSR_EFER), EFER_SCE | EFER_LME | EFER_LMA | (cpu_features.nx ? EFER_NXE : 0));
}

static volatile unsigned nmis;

static void count_nmi(struct trap_frame *frame)
{
    (void)frame;
    nmis++;
}

static void pass_time(uint64_t ns, unsigned until)
{
    for (uint64_t end = time_now_ns() + ns; time_now_ns() < end && nmis != until;)
        cpu_pause();
}

/* A busy host stops the CPU between the end of the NMI timer's time and the NMI, here for 30 ms: it is
 * the timer's all the same, once. */
GUEST_TEST(test_late_nmi_is_the_timers)
{
    trap_handler before = trap_set_handler(VECTOR_NMI, count_nmi);
    nmis = 0;
    nmi_clock_start();
    pass_time(NS_PER_SECOND / 2, 1);
    if (nmis == 1) { /* not on a machine without an I/O APIC */
        nmi_clock_arm();
        pass_time(NS_PER_SECOND * 3 / 100, 2);
        CHECK(nmi_clock_rang());
        CHECK(!nmi_clock_rang());
        pass_time(NS_PER_SECOND / 2, 2);
        nmi_clock_arm();
        nmi_clock_settle();
        CHECK(!nmi_clock_rang());
    }
    nmi_clock_stop();
    trap_set_handler(VECTOR_NMI, before);
}
