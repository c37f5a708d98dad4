/* SPDX-License-Identifier: MIT */
/*
 * The text of fault reports. The reports of every error code, and of a scenario for each cause, are
 * compared with unit/golden/fault_report.txt. After an intended change: test_fault_report --write,
 * then read the difference.
 */
#include "diag/text.h"

#include "cpu/trap.h"
#include "mm/vm/fault.h"
#include "mm/layout.h"

#include "golden.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_line(void *context, const char *line)
{
    (void)context;
    golden_line("%s", line);
}

#define LINK(n) (UINT64_C(0x1000) * (n) | PTE_P | PTE_W | PTE_A)

static struct pt_walk walk_to(virt_t at, uint64_t leaf, int leaf_level)
{
    struct pt_walk walk = {.address = at, .last_level = leaf_level};
    for (int level = PT_LEVELS; level > leaf_level; level--)
        walk.entry[level].v = LINK((uint64_t)level);
    walk.entry[leaf_level].v = leaf;
    if (leaf & PTE_P) {
        walk.leaf_level = leaf_level;
        walk.writable = leaf & PTE_W;
        walk.executable = !(leaf & PTE_NX);
        walk.phys = phys(leaf & PTE_ADDRESS);
    }
    return walk;
}

static struct fault_neighbour neighbour(uint64_t start, uint64_t end, prot_t prot, uint32_t flags)
{
    return (struct fault_neighbour){
        .there = true,
        .range = virt_range(start, end),
        .prot = prot,
        .kind = AREA_ANONYMOUS,
        .flags = flags,
    };
}

static struct fault_facts facts(uint64_t address, enum fault_access access, uint64_t error)
{
    return (struct fault_facts){
        .signal = "SIGSEGV",
        .signal_number = 11,
        .code = 1,
        .version = "1.2.3",
        .build_id = UINT64_C(0x123456789abc0000),
        .who = "main",
        .thread = 1,
        .time_ns = 1234567890,
        .vector = VECTOR_PAGE_FAULT,
        .exception = "page fault",
        .error = error,
        .has_address = true,
        .access = access,
        .address = virt(address),
        .registers = {[X86_RIP] = 0x401234, [X86_RSP] = 0x7ffffffde000},
        .at = "main+0x4 [program]",
        .walked = true,
        .walk = walk_to(virt(address), 0, 3),
        .cr3 = 0x1000,
        .stack = {true, {{0x7fffff7ff000}, {0x7ffffffff000}}, 0x10000, "the main thread's"},
    };
}

static void add(const char *title, const struct fault_facts *f)
{
    golden_line("\n[%s]", title);
    fault_report_write(f, add_line, NULL);
    if (f->cause != FAULT_BY_DEADLOCK)
        fault_report_code(f, add_line, NULL);
    fault_report_hint(f, add_line, NULL);
    fault_report_headline(f, add_line, NULL);
}

/* Sets the instruction, decoded as by the kernel. */
static void set_code(struct fault_facts *f, const char *bytes, size_t size)
{
    memcpy(f->bytes, bytes, size);
    f->byte_count = (uint8_t)size;
    f->has_insn = x86_decode(f->bytes, size, &f->insn);
    assert_true(f->has_insn);
}
#define SET_CODE(f, bytes) set_code(f, bytes, sizeof bytes - 1)

static void add_error_codes(void)
{
    static const uint64_t bits[] = {PF_PRESENT, PF_WRITE, PF_USER, PF_RESERVED, PF_EXECUTE};
    for (unsigned n = 0; n < 32; n++) {
        char title[32];
        uint64_t error = 0;
        for (unsigned i = 0; i < 5; i++)
            error |= n >> i & 1 ? bits[i] : 0;
        enum fault_access access = error & PF_EXECUTE ? ACCESS_EXECUTE
                                   : error & PF_WRITE ? ACCESS_WRITE
                                                      : ACCESS_READ;
        struct fault_facts f = facts(0x7f0000002010, access, error);
        f.here = neighbour(0x7f0000000000, 0x7f0000004000, prot_ro(), 0);
        if (error & PF_PRESENT)
            f.walk = walk_to(f.address, UINT64_C(0x123000) | PTE_P | PTE_A | PTE_NX, 1);
        snprintf(title, sizeof title, "error code 0x%llx", (unsigned long long)error);
        add(title, &f);
    }
}

static void add_null(void)
{
    struct fault_facts f = facts(0, ACCESS_READ, 0);
    f.above = neighbour(0x400000, 0x401000, prot_rx(), AREA_IMAGE);
    f.above.kind = AREA_FILE;
    strcpy(f.above.name, "/bin/program");
    add("null read", &f);
    f.address = f.walk.address = virt(0x18);
    f.access = ACCESS_WRITE;
    f.error = PF_WRITE;
    SET_CODE(&f, "\x48\x89\x47\x18"); /* mov %rax,0x18(%rdi) */
    add("null write with an offset", &f);
    f.byte_count = 0;
    f.has_insn = false;
    f.address = f.walk.address = virt(0);
    f.access = ACCESS_EXECUTE;
    f.error = PF_EXECUTE;
    f.registers[X86_RIP] = 0;
    f.at[0] = '\0';
    strcpy(f.caller, "main+0x20 [program]");
    add("null call", &f);
    f = facts(LAYOUT_PROGRAM_START - 1, ACCESS_READ, 0);
    add("the last byte that counts as null", &f);
    f = facts(LAYOUT_PROGRAM_START, ACCESS_READ, 0);
    add("the first that does not", &f);
}

static void add_stack(void)
{
    struct fault_facts f = facts(0x7fffff7feff8, ACCESS_WRITE, PF_WRITE);
    f.registers[X86_RSP] = 0x7fffff7ff000;
    SET_CODE(&f, "\xe8\x00\x00\x00\x00");
    f.here = neighbour(0x7fffff7ef000, 0x7fffff7ff000, prot_none(), AREA_STACK);
    f.here.kind = AREA_GUARD;
    f.above = neighbour(0x7fffff7ff000, 0x7ffffffff000, prot_rw(), AREA_STACK);
    add("stack overflow", &f);
    f.circle_count = 104703;
    strcpy(f.circle, "fib");
    add("of a recursion", &f);
    f.circle_of_many = true;
    add("of a circle", &f);
    f.circle_count = 0;
    f.here.flags = 0;
    f.stack.there = false;
    add("another guard", &f);

    f = facts(0x7ffff0000000, ACCESS_WRITE, PF_WRITE);
    f.registers[X86_RSP] = 0x7ffff0000000;
    add("one large frame that jumps the guard", &f);
    f.registers[X86_RSP] = 0x7ffffffde000;
    add("below the stack, but nothing to do with it", &f);
    f.vector = VECTOR_DOUBLE_FAULT;
    f.has_address = false;
    f.panic = true;
    f.signal = NULL;
    f.reason = "double fault";
    f.exception = "double fault";
    f.stack = (struct fault_stack){true, virt_range(0xfffff88000004000, 0xfffff88000008000), 0x4000,
                                   "this thread's kernel stack"};
    f.registers[X86_RSP] = 0xfffff88000003ff8;
    add("a kernel stack's, seen by a double fault", &f);
    f.registers[X86_RSP] = 0xfffff88000004000;
    add("the same, before the push", &f);
    f.registers[X86_RSP] = 0xfffff88000004ff8;
    add("a double fault with room on the stack", &f);
}

static void add_data(void)
{
    struct fault_facts f = facts(0x402010, ACCESS_WRITE, PF_PRESENT | PF_WRITE);
    f.walk = walk_to(f.address, UINT64_C(0x55000) | PTE_P | PTE_A | PTE_NX, 1);
    f.here = neighbour(0x402000, 0x403000, prot_ro(), AREA_IMAGE);
    f.here.kind = AREA_FILE;
    strcpy(f.here.name, "/bin/program");
    add("write to a constant", &f);

    f = facts(0x604000, ACCESS_EXECUTE, PF_PRESENT | PF_EXECUTE);
    f.walk = walk_to(f.address, UINT64_C(0x56000) | PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX, 1);
    f.here = neighbour(0x604000, 0x700000, prot_rw(), AREA_HEAP);
    add("jump into the heap", &f);

    f = facts(0x7f1122334455, ACCESS_READ, 0);
    f.below = neighbour(0x7f1122000000, 0x7f1122334000, prot_rw(), 0);
    f.above = neighbour(0x7f1122400000, 0x7f1122401000, prot_rx(), 0);
    f.above.kind = AREA_FILE;
    strcpy(f.above.name, "/lib/library.so");
    add("between two areas", &f);

    f = facts(0x7f0000000000, ACCESS_READ, PF_PRESENT);
    f.here = neighbour(0x7f0000000000, 0x7f0000001000, prot_none(), 0);
    f.walk = walk_to(f.address, UINT64_C(0x57000), 1);
    add("kept, but without permission", &f);

    f = facts(0x7f0000200123, ACCESS_WRITE, PF_PRESENT | PF_WRITE);
    f.here = neighbour(0x7f0000200000, 0x7f0000400000, prot_ro(), 0);
    f.walk = walk_to(f.address, UINT64_C(0x40000000) | PTE_P | PTE_PS | PTE_A | PTE_NX, 2);
    add("in a page of 2 MiB", &f);

    f = facts(0x7f0000300000, ACCESS_WRITE, PF_PRESENT | PF_WRITE);
    f.here = neighbour(0x7f0000300000, 0x7f0000301000, prot_rw(), 0);
    f.walk = walk_to(f.address, UINT64_C(0x58000) | PTE_P | PTE_W | PTE_NX, 1);
    add("nothing denies it now", &f);
    f.walk.entry[1].v = UINT64_C(0x58000) | PTE_P | PTE_NX | PTE_COW;
    f.walk.writable = false;
    add("copy-on-write", &f);
}

static void add_outside(void)
{
    struct fault_facts f = facts(UINT64_C(0x8000000000000000), ACCESS_READ, 0);
    f.walk = (struct pt_walk){.address = f.address, .last_level = PT_LEVELS + 1};
    add("not canonical", &f);
    f = facts(LAYOUT_HEAP_START, ACCESS_READ, 0);
    f.below = neighbour(0x7fffff7ff000, 0x7ffffffff000, prot_rw(), AREA_STACK);
    add("the kernel's half", &f);
    f = facts(0, ACCESS_READ, 0x10);
    f.vector = VECTOR_GENERAL_PROTECTION;
    f.has_address = false;
    f.exception = "general protection";
    add("an exception without an address", &f);
    f = facts(LAYOUT_WINDOW_SLOT_FIRST, ACCESS_WRITE, PF_PRESENT | PF_WRITE);
    f.address = f.walk.address = virt(UINT64_C(0xffff900000001000));
    f.window = virt_range(UINT64_C(0xffff900000000000), UINT64_C(0xffff908000000000));
    add("the window of the page tables", &f);
}

static struct fault_facts protection(uint64_t error)
{
    struct fault_facts f = facts(0, ACCESS_READ, error);
    f.vector = VECTOR_GENERAL_PROTECTION;
    f.exception = "general protection";
    f.has_address = f.walked = false;
    return f;
}

static void add_protection(void)
{
    struct fault_facts f = protection(0);
    SET_CODE(&f, "\x48\x8b\x03"); /* mov (%rbx),%rax */
    f.has_address = f.computed = true;
    f.registers[X86_RBX] = f.address.v = UINT64_C(0x6f77206f6c6c6568);
    add("a pointer that is text", &f);

    f = protection(0);
    SET_CODE(&f, "\x0f\x29\x44\x24\x08"); /* movaps %xmm0,8(%rsp) */
    f.has_address = f.computed = true;
    f.access = ACCESS_WRITE;
    f.address = virt(f.registers[X86_RSP] + 8);
    add("a misaligned stack", &f);

    f = protection(0);
    SET_CODE(&f, "\x0f\x30");
    f.registers[X86_RCX] = 0xdead;
    add("a register that there is not", &f);
    f = protection(0xffd8);
    SET_CODE(&f, "\x8e\xd8"); /* mov %eax,%ds */
    add("a selector that there is not", &f);

    f = protection(0);
    SET_CODE(&f, "\xc3");
    f.has_top = true;
    f.top = UINT64_C(0x4141414141414141);
    add("a return address that is text", &f);
    f = facts(0x41414141, ACCESS_EXECUTE, PF_EXECUTE);
    f.has_popped = true;
    f.popped = f.registers[X86_RIP] = 0x41414141;
    add("a return to where nothing is", &f);
}

static void add_exceptions(void)
{
    static const struct {
        unsigned vector;
        const char *name, *code;
    } cases[] = {
        {VECTOR_DIVIDE, "divide error", "\xf7\xf1"},
        {VECTOR_DEBUG, "debug exception", "\x90"},
        {VECTOR_BREAKPOINT, "breakpoint", "\x90"},
        {VECTOR_INVALID_OPCODE, "invalid opcode", "\x0f\x0b"},
        {VECTOR_INVALID_OPCODE, "invalid opcode", "\xc5\xf8\x28\xc1"},
        {VECTOR_X87, "x87 floating-point error", "\xd9\xfa"},
        {VECTOR_ALIGNMENT, "alignment check", "\x8b\x07"},
        {VECTOR_MACHINE_CHECK, "machine check", "\x90"},
        {VECTOR_SIMD, "SIMD floating-point exception", "\x0f\x5e\xc1"},
        {85, NULL, "\x90"},
        {FAULT_NO_VECTOR, NULL, "\x90"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char title[64];
        struct fault_facts f = protection(0);
        f.vector = cases[i].vector;
        f.exception = cases[i].name;
        if (f.vector == VECTOR_DEBUG)
            f.code = 2; /* TRAP_TRACE: DR6 names the step */
        if (f.vector == FAULT_NO_VECTOR) {
            f.signal = "SIGABRT";
            f.signal_number = 6;
        }
        set_code(&f, cases[i].code, strlen(cases[i].code));
        snprintf(title, sizeof title, "vector %u", cases[i].vector);
        add(title, &f);
    }
}

static void add_history(void)
{
    struct fault_facts f = facts(0x7f0000002010, ACCESS_READ, 0);
    f.past[0] = (struct fault_past){true,
                                    HISTORY_UNMAP,
                                    prot_none(),
                                    virt_range(0x7f0000002000, 0x7f0000003000),
                                    3200000,
                                    2,
                                    "by munmap at free+0x44 [program]"};
    f.past[1] = (struct fault_past){true,
                                    HISTORY_MAP,
                                    prot_rw(),
                                    virt_range(0x7f0000000000, 0x7f0000004000),
                                    1200003200000,
                                    1,
                                    "by mmap at malloc+0x44 [program]"};
    add("after munmap", &f);
    f.access = ACCESS_EXECUTE;
    f.error = PF_EXECUTE;
    add("a jump after munmap", &f);
    f = facts(0x7f0000002010, ACCESS_WRITE, PF_WRITE);
    f.here = neighbour(0x7f0000000000, 0x7f0000004000, prot_rw(), 0);
    f.out_of_memory = true;
    f.signal = "SIGKILL";
    add("no memory", &f);
    f.out_of_memory = false;
    f.past_file = true;
    f.signal = "SIGBUS";
    add("past the file", &f);
}

/* Reports of causes without a vector. */
static void add_causes(void)
{
    struct fault_facts f = protection(0);
    SET_CODE(&f, "\xf4");
    f.has_address = false;
    add("hlt", &f);
    strcpy(f.at, "__stack_chk_fail+0x0 [program]");
    add("hlt of the stack protector", &f);
    strcpy(f.at, "main+0x4 [program]");
    f.vector = FRAME_VECTOR_GS;
    f.exception = NULL;
    f.error = 0x12345000;
    f.reason = "a wrong GS base, seen at a trap";
    add("GS", &f);
    f.vector = VECTOR_NMI;
    f.error = 0;
    f.cause = FAULT_BY_HANG;
    f.reason = "the program keeps interrupts off";
    add("a program with interrupts off", &f);
    f.panic = true;
    f.signal = NULL;
    f.reason = "the kernel keeps interrupts off";
    add("the kernel with interrupts off", &f);
    f.panic = false;
    f.cause = FAULT_BY_REQUEST;
    f.reason = NULL;
    f.exception = "NMI";
    add("asked for", &f);
    f.vector = FAULT_NO_VECTOR;
    f.cause = FAULT_BY_DEADLOCK;
    f.reason = "every thread has slept for 10 s";
    add("deadlock", &f);
    f.panic = true;
    f.cause = FAULT_BY_ASSERTION;
    f.reason = "assertion failed: 1 == 2 (file.c:3)";
    add("assertion", &f);
}

/* Blocks of malloc(). */
static void add_heap(void)
{
    struct fault_facts f = facts(0x7000000000, ACCESS_READ, 0);
    f.block_count = 2;
    f.blocks[0] = (struct fault_block){X86_RDI, 0x5608, {true, true, 0x5600, 24}};
    f.blocks[1] = (struct fault_block){X86_RIP, 0x7000000000, {true, true, 0x5700, 40}};
    add("a freed block, and a key", &f);
    f.block_count = 0;
    f.damage = (struct malloc_damage){true, 0x5618, UINT64_C(0x4141414141414141), 0x5600, 24};
    add("a block was overrun", &f);
    f.damage.found = false;
    f.address.v = 0x55c4d;
    f.heap = virt_range(0x55c4d000, 0x55c6e000);
    add("a link of free()", &f);
    f.address.v = 0x55c6e;
    add("no link of free()", &f);
}

static void add_machine_checks(void)
{
    static const uint16_t codes[] = {0,      1,      5,      0x10,   0x15,   0x80,  0x9f,
                                     0x0134, 0x0400, 0x0405, 0x0800, 0x0e0b, 0x1134};
    struct fault_facts f = protection(0);
    f.vector = VECTOR_MACHINE_CHECK;
    f.exception = f.reason = "machine check";
    f.panic = true;
    f.signal = NULL;
    f.bank_count = 1;
    for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char title[40];
        f.banks[0] = (struct fault_bank){i, FAULT_BANK_VALID | codes[i], 0, 0};
        snprintf(title, sizeof title, "machine check 0x%04x", codes[i]);
        add(title, &f);
    }
    f.bank_count = 2;
    f.machine_check_status = 5;
    f.banks[1] = (struct fault_bank){9, UINT64_MAX, 0x12345000, 0x86};
    add("two banks", &f);
}

static void write_all(void)
{
    add_error_codes();
    add_null();
    add_stack();
    add_data();
    add_outside();
    add_protection();
    add_exceptions();
    add_history();
    add_causes();
    add_heap();
    add_machine_checks();
}

static void test_golden(void **state)
{
    (void)state;
    golden_check(OURO_GOLDEN, write_all);
}

/* A line longer than the report's buffer is truncated. */
static void check_length(void *context, const char *line)
{
    size_t *longest = context;
    if (strlen(line) > *longest)
        *longest = strlen(line);
}

static void test_long_names(void **state)
{
    (void)state;
    static char name[3000];
    size_t longest = 0;
    struct fault_facts f = facts(0x7f0000002010, ACCESS_READ, 0);
    memset(name, 'n', sizeof name - 1);
    f.who = f.version = f.reason = f.signal = name;
    f.here = neighbour(0x7f0000000000, 0x7f0000004000, prot_ro(), 0);
    memset(f.here.name, 'm', sizeof f.here.name - 1);
    fault_report_write(&f, check_length, &longest);
    fault_report_code(&f, check_length, &longest);
    assert_true(longest > 100 && longest < 1000);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--write") == 0)
        return golden_write(OURO_GOLDEN, write_all);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_long_names),
    };
    return RUN_TESTS(tests);
}
