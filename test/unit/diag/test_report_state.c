/* SPDX-License-Identifier: MIT */
/*
 * The parts of a fault report that show state, over a fake machine (unit/support/fault_machine.h). The facts of their lines,
 * without the wording, are compared with unit/golden/report_state.txt; after a change on purpose: test_report_state --write,
 * then read the difference. The JSON line is parsed and compared with the facts that it was made from.
 */
#include "fault_machine.h"

#include "cpu/features.h"
#include "cpu/trap.h"
#include "kern/boot_summary.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"
#include "mm/vm/areas.h"

#include "golden.h"
#include "host/json.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the golden --- */

static void add_lines(const char *title)
{
    static char facts[400];
    golden_line("\n[%s]", title);
    for (char *line = stub_output.text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        line[length] = '\0';
        golden_facts(line, facts, sizeof facts);
        golden_line("%s", facts);
        line += length + 1;
    }
    stub_output_clear();
}

static void add_registers(const char *title, uint64_t rflags,
                          const uint64_t registers[X86_REGISTERS])
{
    struct fault_facts f = machine_fault(0x18, ACCESS_READ);
    f.rflags = rflags;
    f.gs_base = UINT64_C(0xffffffff801a2000);
    for (unsigned i = 0; i < X86_REGISTERS; i++)
        f.registers[i] = registers != NULL ? registers[i] : f.registers[i];
    report_registers(&f);
    add_lines(title);
}

static void add_all_registers(void)
{
    const uint64_t places[X86_REGISTERS] = {
        [X86_RIP] = MACHINE_PROGRAM + PROGRAM_MAIN + 0x10,
        [X86_RSP] = MACHINE_STACK_TOP - 0x100,
        [X86_RBP] = MACHINE_STACK_TOP - 0x80,
        [X86_RAX] = 42,
        [X86_RBX] = (uint64_t)-14,
        [X86_RCX] = MACHINE_PROGRAM + PROGRAM_COUNTER,
        [X86_RDX] = MACHINE_HEAP + 0x30,
        [X86_RSI] = UINT64_C(0x6f6c6c6568),
        [X86_RDI] = MACHINE_FILE + 0x44,
        [8] = UINT64_C(0xa5a5a5a5a5a5a5a5),
        [9] = STUB_FUNCTION + 3,
        [10] = machine_worker->kstack.start.v + 0x1230,
        [11] = machine_worker->kstack.start.v - 0x10,
        [12] = LAYOUT_HEAP_START + 0x40,
        [13] = UINT64_C(0x8000000000001234),
        [14] = UINT64_C(0x7e0000000000),
        [15] = MACHINE_WORKER_STACK + 0x15,
    };
    add_registers("registers that point somewhere", 0x10246, places);
    add_registers("registers that do not", 0x2, NULL);
    add_registers("each flag", 0x7fffffff, NULL);
}

static void add_stack(const char *title, uint64_t rsp)
{
    struct fault_facts f = machine_fault(rsp, ACCESS_READ);
    f.registers[X86_RSP] = rsp;
    machine_gather(&f);
    report_stack_words(&f);
    add_lines(title);
}

static void add_stacks(void)
{
    uint64_t top = MACHINE_STACK_TOP;
    for (unsigned i = 1; i <= 40; i++)
        machine_store(top - 8 * i, 0x5000 + i);
    machine_store(top - 0x100 + 0x18, MACHINE_PROGRAM + PROGRAM_HELPER + 0xd);
    machine_store(top - 0x100 + 0x20, MACHINE_HEAP + 0x70);
    add_stack("words of the main stack", top - 0x100);
    add_stack("its last three", top - 0x18);
    add_stack("an empty stack", top);
    add_stack("a stack whose lower page is not there", top - PAGE_SIZE - 0x10);
    machine_store(MACHINE_MEMORY + PAGE_SIZE - 8, 0x6001);
    machine_unmap(MACHINE_MEMORY + PAGE_SIZE);
    add_stack("one that ends in a page that is not there", MACHINE_MEMORY + PAGE_SIZE - 8);
    add_stack("no stack", UINT64_C(0x7e0000000000));
    add_stack("rsp is not canonical", UINT64_C(0x4141414141414141));
    add_stack("the registers of the program, in a kernel stack",
              machine_main->kstack.end.v - sizeof(struct trap_frame));
}

static void write_all(void)
{
    struct fault_facts f;
    machine_start();
    add_all_registers();
    add_stacks();
    f = machine_fault(0x18, ACCESS_READ);
    report_machine(&f);
    add_lines("machine");
    boot_summary.uefi = false;
    report_machine(&f);
    add_lines("machine without UEFI");
    boot_summary.uefi = true;
    machine_end();
}

static void test_registers_stack_and_machine(void **state)
{
    (void)state;
    golden_check(OURO_GOLDEN, write_all);
}

/* --- memory, in figures that follow from the machine --- */

static void check_totals(uint64_t largest_kib)
{
    char expected[200], facts[200];
    stub_output_clear();
    report_memory_totals();
    assert_int_equal(stub_output.lines, 1);
    stub_output.text[stub_output.text_used - 1] = '\0';
    golden_facts(stub_output.text, facts, sizeof facts);
    snprintf(expected, sizeof expected, "%llu %llu %llu %llu %llu %llu",
             (unsigned long long)machine_frames.free_frames * 4,
             (unsigned long long)machine_frames.total_frames * 4, (unsigned long long)largest_kib,
             (unsigned long long)heap_used() / 1024, (unsigned long long)areas_count(running_space),
             (unsigned long long)areas_bytes(running_space) / 1024);
    assert_string_equal(facts, expected);
}

static void test_memory_is_counted_in_kib(void **state)
{
    (void)state;
    phys_t frame;
    machine_start();
    void *block = heap_alloc(5000);
    assert_true(areas_count(running_space) == 12 && heap_used() > 5000);
    check_totals(64 * 4); /* a place of machine_frames that has given no frame away */
    while (frames_largest(&machine_frames) > 1)
        assert_int_equal(frames_alloc(&machine_frames, 2, &frame), E_OK);
    check_totals(
        frames_largest(&machine_frames) < 0 ? 0 : UINT64_C(4) << frames_largest(&machine_frames));
    while (frames_alloc(&machine_frames, 0, &frame) == E_OK)
        ;
    check_totals(0);
    heap_free(block);
    machine_end();
}

static void test_flags_have_the_names_of_the_manual(void **state)
{
    (void)state;
    static const char *const names[32] = {
        [0] = " CF", [2] = " PF",  [4] = " AF",  [6] = " ZF",  [7] = " SF",  [8] = " TF",
        [9] = " IF", [10] = " DF", [11] = " OF", [14] = " NT", [16] = " RF", [18] = " AC"};
    machine_start();
    for (unsigned bit = 0; bit < 32; bit++) {
        char expected[100], facts[100];
        struct fault_facts f = machine_fault(0x18, ACCESS_READ);
        f.rflags = UINT64_C(1) << bit;
        f.gs_base = 0x1234;
        stub_output_clear();
        report_registers(&f);
        assert_int_equal(stub_output.lines, X86_REGISTERS + 1);
        stub_output.text[stub_output.text_used - 1] = '\0';
        golden_facts(strrchr(stub_output.text, '\n') + 1, facts, sizeof facts);
        snprintf(expected, sizeof expected, "rflags %08x%s fs %llx gs 1234", 1u << bit,
                 names[bit] != NULL ? names[bit] : "", (unsigned long long)MACHINE_HEAP + 0x100);
        assert_string_equal(facts, expected);
    }
    machine_end();
}

/* --- JSON --- */

static struct json json_of(const struct fault_facts *f)
{
    stub_output_clear();
    report_trace(f, 10);
    report_json(f);
    size_t n = stub_output.json_used;
    assert_true(n > 2 && stub_output.json[n - 1] == '\n' && stub_output.json[n - 2] == '}');
    assert_ptr_equal(strchr(stub_output.json, '\n'), stub_output.json + n - 1); /* one line */
    return (struct json){stub_output.json, stub_output.json + n};
}

static struct json member(struct json object, const char *key)
{
    struct json value;
    if (!json_member(object, key, &value))
        fail_msg("no \"%s\" in %.*s", key, (int)(object.end - object.at), object.at);
    return value;
}

static void check_absent(struct json object, const char *key)
{
    struct json value;
    if (json_member(object, key, &value))
        fail_msg("\"%s\" is there", key);
}

static void check_string(struct json object, const char *key, const char *expected)
{
    char text[300];
    assert_true(json_string(member(object, key), text, sizeof text));
    assert_string_equal(text, expected);
}

static void check_address(struct json object, const char *key, uint64_t expected)
{
    uint64_t got;
    assert_true(json_address(member(object, key), &got));
    if (got != expected)
        fail_msg("\"%s\" is %#llx, not %#llx", key, (unsigned long long)got,
                 (unsigned long long)expected);
}

static void check_number(struct json object, const char *key, uint64_t expected)
{
    struct json value = member(object, key);
    char *end, text[24] = "";
    assert_true(value.end - value.at < (ptrdiff_t)sizeof text);
    memcpy(text, value.at, (size_t)(value.end - value.at));
    assert_int_equal(strtoull(text, &end, 10), expected);
    assert_true(*end == '\0' && end != text);
}

static unsigned count_of(struct json array)
{
    struct json item = {0};
    unsigned n = 0;
    while (json_item(array, &item))
        n++;
    return n;
}

static struct json item_of(struct json array, unsigned n)
{
    struct json item = {0};
    for (unsigned i = 0; i <= n; i++)
        assert_true(json_item(array, &item));
    return item;
}

static void check_registers(struct json registers, const uint64_t expected[X86_REGISTERS])
{
    static const char *const names[X86_REGISTERS] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
                                                     "rsi", "rdi", "r8",  "r9",  "r10", "r11",
                                                     "r12", "r13", "r14", "r15", "rip"};
    for (unsigned i = 0; i < X86_REGISTERS; i++)
        check_address(registers, names[i], expected[i]);
}

static void test_json_of_a_crash(void **state)
{
    (void)state;
    machine_start();
    struct fault_facts f = machine_fault(MACHINE_PROGRAM + PROGRAM_LIMITS + 8, ACCESS_WRITE);
    f.error = 0x13;
    f.cpu = 3;
    f.gs_base = UINT64_C(0xffffffff801a2000);
    memcpy(f.bytes, "\x48\x89\x43\x18\x90", 5);
    f.byte_count = 5;
    f.has_insn = x86_decode(f.bytes, f.byte_count, &f.insn);
    struct json j = json_of(&f);
    check_number(j, "ouro_report", 1);
    check_string(j, "kind", "crash");
    check_string(j, "class", fault_class_words(FAULT_CLASS_READ_ONLY));
    check_absent(j, "reason");
    check_string(j, "signal", "SIGSEGV");
    check_number(j, "signal_number", 11);
    check_number(j, "code", 1);
    check_string(j, "version", "1.2.3");
    check_string(j, "build", "123456789abc");
    check_number(j, "thread", 1);
    check_string(j, "name", "main");
    check_number(j, "cpu", 3);
    check_number(j, "time_ns", MACHINE_NOW);
    check_number(j, "vector", VECTOR_PAGE_FAULT);
    check_number(j, "error", 0x13);
    check_address(j, "address", MACHINE_PROGRAM + PROGRAM_LIMITS + 8);
    check_string(j, "access", "write");
    check_string(j, "insn", "48894318");
    check_string(j, "at", "main+0x10 [program]");
    struct json registers = member(j, "registers");
    check_registers(registers, f.registers);
    check_address(registers, "rflags", f.rflags);
    check_address(registers, "fs", MACHINE_HEAP + 0x100);
    check_address(registers, "gs", UINT64_C(0xffffffff801a2000));
    check_address(registers, "cr3", f.cr3);
    machine_end();
}

static void test_json_of_accesses(void **state)
{
    (void)state;
    machine_start();
    struct fault_facts f = machine_fault(MACHINE_HEAP + 0x30, ACCESS_EXECUTE);
    f.code = -6;
    struct json j = json_of(&f);
    check_string(j, "access", "execute");
    check_number(j, "code", UINT64_MAX - 5);
    check_absent(j, "insn");
    f = machine_fault(0x18, ACCESS_READ);
    j = json_of(&f);
    check_address(j, "address", 0x18);
    check_string(j, "access", "read");
    machine_end();
}

static void test_json_without_a_trap(void **state)
{
    (void)state;
    machine_start();
    struct fault_facts f = machine_fault(0, ACCESS_READ);
    f.panic = true;
    f.signal = NULL;
    f.vector = FAULT_NO_VECTOR;
    f.has_address = false;
    f.reason = "a \"reason\"\twith \\ in it";
    struct json j = json_of(&f);
    check_string(j, "kind", "panic");
    check_string(j, "reason", "a ?reason??with ? in it");
    static const char *const absent[] = {"signal", "signal_number", "code",  "vector",
                                         "error",  "address",       "access"};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        check_absent(j, absent[i]);
    f.panic = false;
    f.cause = FAULT_BY_REQUEST;
    check_string(json_of(&f), "kind", "dump");
    f.cause = FAULT_BY_DEADLOCK;
    f.has_address = true;
    check_absent(json_of(&f), "address");
    machine_end();
}

/* The other threads of programs, with their registers at the top of their kernel stacks. */
static void test_json_of_threads(void **state)
{
    (void)state;
    machine_start();
    struct fault_facts f = machine_fault(0x18, ACCESS_READ);
    struct json threads = member(json_of(&f), "threads");
    assert_int_equal(count_of(threads), 1);
    struct json worker = item_of(threads, 0), registers = member(worker, "registers");
    check_number(worker, "thread", 2);
    check_string(worker, "name", "worker");
    check_string(worker, "does", "of process 2");
    check_address(registers, "rip", MACHINE_PROGRAM + PROGRAM_HELPER);
    check_address(registers, "rsp", MACHINE_WORKER_TOP - 0x40);
    check_address(registers, "rax", 202);
    check_address(registers, "rflags", 0x246);
    check_address(registers, "fs", MACHINE_HEAP + 0x100);
    check_absent(registers, "gs");
    f.cause = FAULT_BY_DEADLOCK;
    threads = member(json_of(&f), "threads");
    assert_int_equal(count_of(threads), 2);
    check_string(item_of(threads, 0), "name", "main");
    machine_end();
}

static void test_json_has_at_most_a_hundred_threads(void **state)
{
    (void)state;
    machine_start();
    struct fault_facts f = machine_fault(0x18, ACCESS_READ);
    const unsigned made = stub_thread_count;
    for (unsigned id = made + 1; id <= STUB_THREADS; id++) {
        stub_threads[id - 1] = *machine_worker;
        stub_threads[id - 1].id = id;
    }
    stub_thread_count = STUB_THREADS;
    struct json threads = member(json_of(&f), "threads");
    assert_int_equal(count_of(threads), 100);
    check_number(item_of(threads, 99), "thread", 102); /* 2, 4, 5, ... */
    stub_thread_count = made;
    machine_end();
}

static void test_json_of_trace_and_modules(void **state)
{
    (void)state;
    const uint64_t rbp = MACHINE_STACK_TOP - 0x80, back = MACHINE_PROGRAM + PROGRAM_HELPER + 0xd;
    machine_start();
    struct fault_facts f = machine_fault(0x18, ACCESS_READ);
    f.registers[X86_RBP] = rbp;
    machine_store(rbp + 8, back);
    struct json j = json_of(&f), trace = member(j, "trace");
    assert_int_equal(count_of(trace), 2);
    check_address(item_of(trace, 0), "rip", f.registers[X86_RIP]);
    check_string(item_of(trace, 0), "how", "0");
    check_number(item_of(trace, 0), "count", 1);
    check_string(item_of(trace, 0), "at", "main+0x10 [program]");
    check_address(item_of(trace, 1), "rip", back);
    check_string(item_of(trace, 1), "how", "f");
    check_string(item_of(trace, 1), "at", "helper+0xc [program]"); /* of the call */
    struct json modules = member(j, "modules");
    assert_int_equal(count_of(modules), 1);
    check_address(item_of(modules, 0), "start", MACHINE_PROGRAM);
    check_address(item_of(modules, 0), "end", MACHINE_PROGRAM + PAGE_SIZE);
    check_address(item_of(modules, 0), "bias", MACHINE_PROGRAM);
    check_string(item_of(modules, 0), "path", "/bin/program");
    machine_end();
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--write") == 0)
        return golden_write(OURO_GOLDEN, write_all);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registers_stack_and_machine),
        cmocka_unit_test(test_memory_is_counted_in_kib),
        cmocka_unit_test(test_flags_have_the_names_of_the_manual),
        cmocka_unit_test(test_json_of_a_crash),
        cmocka_unit_test(test_json_of_accesses),
        cmocka_unit_test(test_json_without_a_trap),
        cmocka_unit_test(test_json_of_threads),
        cmocka_unit_test(test_json_has_at_most_a_hundred_threads),
        cmocka_unit_test(test_json_of_trace_and_modules),
    };
    return RUN_TESTS(tests);
}
