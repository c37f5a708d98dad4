/* SPDX-License-Identifier: MIT */
#include "cpu/tables.h"

#include "base/compiler.h"
#include "base/sections.h"
#include "cpu/features.h"
#include "cpu/selectors.h"
#include "cpu/trap_frame.h"
#include "cpu/vectors.h"
#include "cpu/x86.h"

struct PACKED tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3, io_map;
};
_Static_assert(sizeof(struct tss) == 104, "SDM 3A 8.7");
_Static_assert(__builtin_offsetof(struct tss, ist) + (IST_NMI - 1) * 8 == TSS_IST_NMI, "entry.S");

struct idt_gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};
_Static_assert(sizeof(struct idt_gate) == 16, "SDM 3A 6.14.1");

struct PACKED table_pointer {
    uint16_t limit;
    uint64_t base;
};

_Static_assert(__builtin_offsetof(struct percpu, self) == PERCPU_SELF, "entry.S");
_Static_assert(__builtin_offsetof(struct percpu, kstack_top) == PERCPU_KSTACK_TOP, "entry.S");
_Static_assert(__builtin_offsetof(struct percpu, kstack_low) == PERCPU_KSTACK_LOW, "entry.S");
_Static_assert(__builtin_offsetof(struct percpu, program_rsp) == PERCPU_PROGRAM_RSP, "entry.S");
_Static_assert(__builtin_offsetof(struct percpu, current) == PERCPU_CURRENT, "percpu.h");
_Static_assert(__builtin_offsetof(struct percpu, index) == PERCPU_INDEX, "vdso/clock.c");
_Static_assert(__builtin_offsetof(struct percpu, slice) == PERCPU_SLICE, "percpu.h");
_Static_assert(__builtin_offsetof(struct percpu, tss) == PERCPU_TSS, "entry.S");
_Static_assert(__builtin_offsetof(struct percpu, kernel) == PERCPU_KERNEL, "cpu/cpus.h");
_Static_assert(__builtin_offsetof(struct percpu, disturbed) == PERCPU_KERNEL + 1, "cpu/cpus.h");
_Static_assert(__builtin_offsetof(struct percpu, spins) == PERCPU_SPINS, "cpu/cpus.h");
_Static_assert(__builtin_offsetof(struct trap_frame, r15) == TRAP_FRAME_R15, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, r14) == TRAP_FRAME_R14, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, r13) == TRAP_FRAME_R13, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, r12) == TRAP_FRAME_R12, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, rbp) == TRAP_FRAME_RBP, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, rbx) == TRAP_FRAME_RBX, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, r11) == TRAP_FRAME_R11, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, r10) == TRAP_FRAME_R10, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, r9) == TRAP_FRAME_R9, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, r8) == TRAP_FRAME_R8, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, rax) == TRAP_FRAME_RAX, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, rcx) == TRAP_FRAME_RCX, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, rdx) == TRAP_FRAME_RDX, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, rsi) == TRAP_FRAME_RSI, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, rdi) == TRAP_FRAME_RDI, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, vector) == TRAP_FRAME_VECTOR, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, error) == TRAP_FRAME_ERROR, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, rip) == TRAP_FRAME_RIP, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, cs) == TRAP_FRAME_CS, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, rflags) == TRAP_FRAME_RFLAGS, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, rsp) == TRAP_FRAME_RSP, "entry.S");
_Static_assert(__builtin_offsetof(struct trap_frame, ss) == TRAP_FRAME_SS, "entry.S");
_Static_assert(sizeof(struct trap_frame) == TRAP_FRAME_SIZE, "entry.S");

#define GATE_INTERRUPT 0x8e /* present, ring 0, 64-bit interrupt gate */

extern char trap_stubs[]; /* entry.S: VECTOR_COUNT stubs, TRAP_STUB_SIZE apart */

unsigned cpus_online = 1;
struct percpu percpus[CPUS_MAX];
static struct tss tss[CPUS_MAX];
static uint64_t gdt[CPUS_MAX][5];
static struct idt_gate idt[VECTOR_COUNT];
/* Used until guarded stacks exist. */
static ALIGNED(16) char early_ist[IST_COUNT][2048];

static uint8_t ist_of(unsigned vector)
{
    switch (vector) {
    case VECTOR_NMI:
        return IST_NMI;
    case VECTOR_DOUBLE_FAULT:
        return IST_DOUBLE_FAULT;
    case VECTOR_MACHINE_CHECK:
        return IST_MACHINE_CHECK;
    default:
        return IST_COMMON;
    }
}

INIT_CODE static void build_gdt(unsigned cpu)
{
    uint64_t base = (uint64_t)(uintptr_t)&tss[cpu], *table = gdt[cpu];
    table[SELECTOR_CODE / 8] = DESCRIPTOR_CODE;
    table[SELECTOR_DATA / 8] = DESCRIPTOR_DATA;
    table[SELECTOR_TSS / 8] = (sizeof tss[0] - 1) | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 |
                              (base >> 24 & 0xff) << 56;
    table[SELECTOR_TSS / 8 + 1] = base >> 32;
}

INIT_CODE static void build_idt(void)
{
    for (unsigned v = 0; v < VECTOR_COUNT; v++) {
        uint64_t stub = (uint64_t)(uintptr_t)trap_stubs + TRAP_STUB_SIZE * v;
        idt[v] = (struct idt_gate){
            .offset_low = (uint16_t)stub,
            .selector = SELECTOR_CODE,
            .ist = ist_of(v),
            .type = GATE_INTERRUPT,
            .offset_middle = (uint16_t)(stub >> 16),
            .offset_high = (uint32_t)(stub >> 32),
        };
    }
}

INIT_CODE static struct percpu **set_ist(unsigned cpu, unsigned ist, virt_t top)
{
    struct percpu **above = (struct percpu **)ptr_of(virt(top.v - 16));
    *above = &percpus[cpu];
    tss[cpu].ist[ist - 1] = virt_of(above).v;
    return above;
}

INIT_CODE void cpu_tables_set_ist(unsigned cpu, unsigned ist, virt_t top)
{
    struct percpu **above = set_ist(cpu, ist, top);
    if (ist == IST_NMI)
        above[-(NMI_ROOM / (int)sizeof *above)] = *above; /* above the second handler's part */
}

INIT_CODE void cpu_tables_load(unsigned cpu)
{
    struct percpu *own = &percpus[cpu];
    build_gdt(cpu);
    tss[cpu].io_map = sizeof tss[0];
    struct table_pointer gdtr = {sizeof gdt[0] - 1, (uint64_t)(uintptr_t)gdt[cpu]};
    struct table_pointer idtr = {sizeof idt - 1, (uint64_t)(uintptr_t)idt};
    __asm__ volatile("lgdt %0" : : "m"(gdtr));
    __asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:"
                     :
                     : "i"(SELECTOR_CODE)
                     : "rax", "memory");
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss; mov %1, %%fs; mov %1, %%gs"
                     :
                     : "r"(SELECTOR_DATA), "r"(0));
    __asm__ volatile("lidt %0" : : "m"(idtr));
    __asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS));

    own->self = own;
    own->index = cpu;
    own->tss = &tss[cpu];
    own->served = true;
    wrmsr(MSR_GS_BASE, (uint64_t)(uintptr_t)own);
}

INIT_CODE void cpu_tables_init(void)
{
    build_idt();
    for (unsigned i = 0; i < IST_COUNT; i++)
        (void)set_ist(0, i + 1, virt_of(early_ist[i] + sizeof early_ist[i]));
    percpu_boot.kstack_top = (uint64_t)(uintptr_t)boot_stack_end;
    percpu_boot.kstack_low = (uint64_t)(uintptr_t)boot_stack_start;
    cpu_tables_load(0);
}

/* All flags but those that the jump back to the program restores, with SAHF, ADD and STI. */
uint32_t syscall_slow_flags = (uint32_t) ~(RFLAGS_CF | RFLAGS_FIXED | RFLAGS_PF | RFLAGS_AF |
                                           RFLAGS_ZF | RFLAGS_SF | RFLAGS_IF | RFLAGS_OF);

INIT_CODE void cpu_syscall_init(void)
{
    wrmsr(MSR_STAR, (uint64_t)SELECTOR_CODE << 32);
    wrmsr(MSR_LSTAR, (uint64_t)(uintptr_t)syscall_entry);
    wrmsr(MSR_FMASK, RFLAGS_AC | RFLAGS_NT | RFLAGS_IOPL | RFLAGS_DF | RFLAGS_IF | RFLAGS_TF);
    if (!cpu_features.lahf)
        syscall_slow_flags = UINT32_MAX; /* bit 1 is always set */
}
