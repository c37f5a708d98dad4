/* SPDX-License-Identifier: MIT */
/*
 * The description of an address in a fault report, over a fake machine
 * (unit/support/fault_machine.h). Areas, stacks, history and page tables of each kind of fault are
 * compared with unit/golden/report_memory.txt, as facts without wording; after a
 * change on purpose: test_report_memory --write, then read the difference.
 */
#include "fault_machine.h"

#include "base/sections.h"
#include "cpu/trap_frame.h"

#include "golden.h"
#include "paging_world.h"
#include "sim_mmu.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

/* --- the golden --- */

static const char *rights(prot_t p)
{
    static char text[4];
    snprintf(text, sizeof text, "%c%c%c", prot_can_read(p) ? 'r' : '-',
             prot_can_write(p) ? 'w' : '-', prot_can_execute(p) ? 'x' : '-');
    return text;
}

static void add_area(const char *label, const struct fault_neighbour *n)
{
    char name[120], place[120];
    bool file = n->kind == AREA_FILE || n->flags & AREA_IMAGE;
    if (!n->there)
        return;
    golden_facts(file ? "" : n->name, name, sizeof name);
    golden_facts(n->place, place, sizeof place);
    golden_line("%s [%#llx, %#llx) %s kind %d flags %#x%s%s%s%s", label,
                (unsigned long long)n->range.start.v, (unsigned long long)n->range.end.v,
                rights(n->prot), (int)n->kind, n->flags, file || name[0] ? " " : "",
                file ? n->name : name, place[0] ? " " : "", place);
}

static void add_stack(const struct fault_stack *s)
{
    char owner[100];
    golden_facts(s->owner, owner, sizeof owner);
    if (s->there)
        golden_line("stack [%#llx, %#llx) guard %#llx%s%s", (unsigned long long)s->range.start.v,
                    (unsigned long long)s->range.end.v, (unsigned long long)s->guard,
                    owner[0] ? " " : "", owner);
}

static void add_past(const struct fault_past *p)
{
    if (p->there)
        golden_line("past %d %s [%#llx, %#llx) %llu ns before, thread %u", p->kind, rights(p->prot),
                    (unsigned long long)p->range.start.v, (unsigned long long)p->range.end.v,
                    (unsigned long long)p->ago_ns, p->thread);
}

/* Omits the entries' frames, A and D: they depend on the placement and the reads of the tables. */
static void add_walk(const struct fault_facts *f)
{
    const struct pt_walk *w = &f->walk;
    const char *why;
    if (!f->walked)
        return;
    golden_line("walk leaf %d last %d denied by %d %s %#llx", w->leaf_level, w->last_level,
                fault_denying_level(f, &why), w->leaf_level == 0 ? "none" : "page",
                (unsigned long long)w->phys.v);
    for (int level = PT_LEVELS; level >= w->last_level; level--)
        golden_line("L%d[0x%03x] %#llx", level, pt_index(w->address, level),
                    (unsigned long long)w->entry[level].v &
                        (PTE_P | PTE_W | PTE_U | PTE_PS | PTE_NX | PTE_COW));
}

static void add_facts(const char *title, const struct fault_facts *f)
{
    static const char *const access[] = {"read", "write", "execute"};
    golden_line("\n[%s]\n%s %#llx class %d", title, access[f->access],
                (unsigned long long)f->address.v, (int)fault_classify(f));
    golden_line("rsp %#llx at %s%s%s", (unsigned long long)f->registers[X86_RSP], f->at,
                f->target[0] ? " target " : "", f->target);
    add_area("here", &f->here);
    add_area("below", &f->below);
    add_area("above", &f->above);
    add_stack(&f->stack);
    add_past(&f->past[0]);
    add_past(&f->past[1]);
    add_walk(f);
}

static void add_at(const char *title, uint64_t address, enum fault_access access)
{
    struct fault_facts f = machine_fault(address, access);
    add_facts(title, &f);
}

static void add_rsp(const char *title, uint64_t rsp)
{
    struct fault_facts f = machine_fault(rsp - 8, ACCESS_WRITE);
    f.registers[X86_RSP] = rsp;
    machine_gather(&f);
    add_facts(title, &f);
}

static void add_null(void)
{
    add_at("the null page", 0x18, ACCESS_READ);
    add_at("the last word that is never mapped", LAYOUT_PROGRAM_START - 8, ACCESS_READ);
    add_at("the first that could be", LAYOUT_PROGRAM_START, ACCESS_READ);
    add_at("the page at the end of the half", LAYOUT_PROGRAM_END, ACCESS_READ);
}

static void add_image(void)
{
    add_at("a write to code", MACHINE_PROGRAM + PROGRAM_HELPER + 4, ACCESS_WRITE);
    add_at("a write to a constant without a page", MACHINE_PROGRAM + PROGRAM_LIMITS + 8,
           ACCESS_WRITE);
    add_at("a jump to a variable", MACHINE_PROGRAM + PROGRAM_COUNTER, ACCESS_EXECUTE);
    add_at("a read of .bss without a page", MACHINE_PROGRAM + 0x3010, ACCESS_READ);
    add_at("a write behind .bss", MACHINE_PROGRAM + PROGRAM_END + 0x20, ACCESS_WRITE);
}

static void add_mappings(void)
{
    add_at("a jump into the heap", MACHINE_HEAP + 0x30, ACCESS_EXECUTE);
    add_at("a write to a file", MACHINE_FILE + 0x40, ACCESS_WRITE);
    add_at("a read past the file", MACHINE_FILE + PAGE_SIZE + 0x40, ACCESS_READ);
    add_at("memory that is mapped", MACHINE_MEMORY + 0x50, ACCESS_WRITE);
    add_at("copy-on-write", MACHINE_MEMORY + PAGE_SIZE + 0x50, ACCESS_WRITE);
    add_at("memory without a page", MACHINE_MEMORY + 3 * PAGE_SIZE, ACCESS_READ);
    add_at("kept without permission", MACHINE_KEPT + 0x60, ACCESS_READ);
    add_at("the same without a page", MACHINE_KEPT + PAGE_SIZE, ACCESS_READ);
    add_at("a page of 2 MiB", MACHINE_LARGE + 0x123456, ACCESS_WRITE);
    add_at("between two areas", MACHINE_FILE + 2 * PAGE_SIZE, ACCESS_READ);
    add_at("the last byte below an area", MACHINE_MEMORY - 1, ACCESS_READ);
}

static void add_stacks(void)
{
    uint64_t gap = MACHINE_STACK_TOP - MACHINE_STACK_LIMIT;
    add_rsp("the main stack", MACHINE_STACK_TOP - 0x2000);
    add_rsp("just below it", MACHINE_STACK - 0x10);
    add_at("the last byte of its guard", gap - 1, ACCESS_WRITE);
    add_at("the first above the guard", gap, ACCESS_WRITE);
    add_at("the first byte of its guard", gap - AREA_STACK_GAP, ACCESS_WRITE);
    add_at("the last below the guard", gap - AREA_STACK_GAP - 1, ACCESS_WRITE);
    add_rsp("rsp in the guard", gap - 0x800);
    add_at("below the stack of another thread", MACHINE_WORKER_STACK - 8, ACCESS_WRITE);
    machine_store(machine_worker->kstack.end.v - TRAP_FRAME_SIZE + TRAP_FRAME_RSP,
                  MACHINE_GUARD + 0x10);
    add_at("the same when its rsp is in the guard", MACHINE_WORKER_STACK - 8, ACCESS_WRITE);
    add_at("above its guard, unmapped", MACHINE_GUARD - 8, ACCESS_WRITE);
    stub_current = machine_worker;
    add_rsp("a thread's stack", MACHINE_WORKER_STACK + 0x100);
    add_rsp("a thread's guard", MACHINE_GUARD + 0x100);
    add_rsp("below that", MACHINE_GUARD - 0x100);
    add_rsp("farther than 64 MiB", MACHINE_GUARD - (UINT64_C(64) << 20) - PAGE_SIZE);
    add_rsp("a heap as stack", MACHINE_HEAP + 0x1000);
    add_rsp("code as stack", MACHINE_PROGRAM + 0x800);
    stub_current = machine_main;
}

static void add_kernel_stacks(void)
{
    uint64_t start = machine_main->kstack.start.v, end = machine_main->kstack.end.v;
    add_at("a kernel stack", end - 8, ACCESS_READ);
    add_at("its first byte", start, ACCESS_READ);
    add_at("its guard", start - 1, ACCESS_WRITE);
    add_at("the guard of another", machine_worker->kstack.start.v - 0x1000, ACCESS_WRITE);
    add_at("of a kernel thread", machine_flusher->kstack.start.v + 0x1000, ACCESS_READ);
    add_at("without a thread", machine_flusher->kstack.end.v + LAYOUT_KSTACK_SIZE, ACCESS_READ);
    add_at("the guard without a thread", machine_flusher->kstack.end.v, ACCESS_READ);
    add_at("behind the last stack", LAYOUT_KSTACK_START + (UINT64_C(1) << 30), ACCESS_READ);
    add_rsp("rsp in a kernel stack", start + 0x800);
    add_rsp("an empty kernel stack", end);
    add_rsp("the last of all, empty", LAYOUT_KSTACK_START + (UINT64_C(1) << 30));
    add_rsp("the guard of a kernel stack", start - 0x10);
    add_rsp("the boot stack", virt_of(boot_stack_start).v);
    add_rsp("the empty boot stack", virt_of(boot_stack_end).v);
    add_rsp("behind the boot stack", virt_of(boot_stack_end).v + 8);
}

static void add_kernel(void)
{
    const struct {
        const char *title;
        uint64_t start, end;
    } parts[] = {
        {"boot code", virt_of(init_text_start).v, virt_of(init_text_end).v},
        {"code", virt_of(text_start).v, virt_of(text_end).v},
        {"constants", virt_of(rodata_start).v, virt_of(rodata_end).v},
        {"sealed data", virt_of(ro_after_init_start).v, virt_of(ro_after_init_end).v},
        {"data", virt_of(data_start).v, virt_of(data_end).v},
        {"heap", LAYOUT_HEAP_START, LAYOUT_HEAP_END},
        {"devices", LAYOUT_DEVICE_START, LAYOUT_DEVICE_END},
        {"frames", LAYOUT_FRAMES_START, LAYOUT_FRAMES_END},
        {"scratch", LAYOUT_SCRATCH, LAYOUT_SCRATCH + HUGE_SIZE},
        {"page tables", paging_program_window, paging_program_window + (UINT64_C(512) << 30)},
    };
    machine_map(virt_of(text_start).v, prot_rx());
    machine_map(virt_of(rodata_start).v, prot_ro());
    machine_map(virt_of(data_start).v, prot_rw());
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char title[80];
        snprintf(title, sizeof title, "kernel %s: first byte", parts[i].title);
        add_at(title, parts[i].start, ACCESS_WRITE);
        snprintf(title, sizeof title, "kernel %s: last byte", parts[i].title);
        add_at(title, parts[i].end - 1, ACCESS_READ);
    }
    add_at("kernel function", STUB_FUNCTION + 8, ACCESS_EXECUTE);
    add_at("kernel variable", STUB_VARIABLE, ACCESS_READ);
    add_at("behind the kernel", virt_of(data_end).v, ACCESS_READ);
    add_at("before the kernel", virt_of(init_text_start).v - 1, ACCESS_READ);
    add_at("behind scratch", LAYOUT_SCRATCH + HUGE_SIZE, ACCESS_READ);
    add_at("behind the window", paging_program_window + (UINT64_C(512) << 30), ACCESS_READ);
    add_at("below the window", paging_program_window - 1, ACCESS_READ);
}

static void add_freed(void)
{
    machine_munmap(machine_worker,
                   virt_range(MACHINE_MEMORY + PAGE_SIZE, MACHINE_MEMORY + 3 * PAGE_SIZE));
    add_at("after munmap", MACHINE_MEMORY + PAGE_SIZE + 0x10, ACCESS_READ);
    add_at("beside it", MACHINE_MEMORY + 0x10, ACCESS_READ);
    add_at("a jump after munmap", MACHINE_MEMORY + 2 * PAGE_SIZE, ACCESS_EXECUTE);
    machine_munmap(machine_main, virt_range(MACHINE_HEAP, MACHINE_HEAP + 8 * PAGE_SIZE));
    add_at("heap that was given back", MACHINE_HEAP + 0x10, ACCESS_WRITE);
    add_at("heap that is left", MACHINE_HEAP + 8 * PAGE_SIZE, ACCESS_WRITE);
    machine_munmap(machine_main, virt_range(MACHINE_FILE, MACHINE_FILE + 2 * PAGE_SIZE));
    add_rsp("64 MiB below memory", MACHINE_MEMORY - (UINT64_C(64) << 20));
    add_rsp("a word less", MACHINE_MEMORY - (UINT64_C(64) << 20) + 8);
    add_at("a page of the kernel's heap", LAYOUT_HEAP_START + 0x10, ACCESS_READ);
    machine_unmap(LAYOUT_HEAP_START);
    add_at("the same after it was freed", LAYOUT_HEAP_START + 0x10, ACCESS_READ);
}

static void add_grown_stack(void)
{
    uint64_t start = MACHINE_STACK_TOP - MACHINE_STACK_LIMIT;
    assert_int_equal(areas_grow_down(running_space, virt(start)), E_OK);
    add_rsp("the main stack when it can grow no more", start + 0x10);
    add_rsp("below it", start - 0x100);
    add_rsp("by more than a guard", start - 2 * AREA_STACK_GAP);
}

static void add_not_canonical(void)
{
    add_at("not canonical", UINT64_C(0x0000800000000000), ACCESS_READ);
    add_at("not canonical, from above", UINT64_C(0xffff7fffffffffff), ACCESS_WRITE);
    add_rsp("rsp is not canonical", UINT64_C(0x4141414141414141));
}

static void write_all(void)
{
    machine_start();
    add_null();
    add_image();
    add_mappings();
    add_stacks();
    add_kernel_stacks();
    add_kernel();
    add_not_canonical();
    add_freed();
    add_grown_stack();
    machine_end();
}

static void test_areas_stacks_and_history_of_an_address(void **state)
{
    (void)state;
    golden_check(OURO_GOLDEN, write_all);
}

/* --- one value --- */

struct description {
    uint64_t value;
    const char *facts; /* NULL: no word at all */
};

static void check_descriptions(const struct description *d, size_t count)
{
    char words[160], facts[160];
    for (size_t i = 0; i < count; i++) {
        report_describe(d[i].value, words, sizeof words);
        golden_facts(words, facts, sizeof facts);
        if (d[i].facts == NULL ? words[0] != '\0'
                               : words[0] == '\0' || strcmp(facts, d[i].facts) != 0)
            fail_msg("%#llx is \"%s\", not %s", (unsigned long long)d[i].value, words,
                     d[i].facts != NULL ? d[i].facts : "nothing");
    }
}

static void test_numbers_and_patterns_are_described(void **state)
{
    (void)state;
    static const struct description all[] = {
        {0, "0"},
        {LAYOUT_PROGRAM_START - 1, "65535"},
        {LAYOUT_PROGRAM_START, NULL},
        {(uint64_t)-1, "-1"},
        {(uint64_t)-LAYOUT_PROGRAM_START, "-65536"},
        {(uint64_t)-LAYOUT_PROGRAM_START - 1, NULL},
        {UINT64_C(0xa5a5a5a5a5a5a5a5), "0xa5"},
        {UINT64_C(0x1f1f1f1f1f1f1f1f), "0x1f"},
        {UINT64_C(0x7f7f7f7f7f7f7f7f), "0x7f"},
        {UINT64_C(0x2020202020202020), "\"        \""},
        {UINT64_C(0x7e7e7e7e7e7e7e7e), "\"~~~~~~~~\""},
        {UINT64_C(0xa5a5a5a5a5a5a5a4), ""},
        {0xdeadbeef, ""},
        {UINT64_C(0x1234cafebabe), ""},
        {0xbaadf00d, ""},
        {0xbaadf00e, NULL},
        {UINT64_C(0x6f6c6c6568), "\"hello\""},
        {UINT64_C(0x414141), NULL}, /* three letters are none */
        {UINT64_C(0x8000000000001234), ""},
        {UINT64_C(0x0000800000000000), ""},
    };
    machine_start();
    check_descriptions(all, sizeof all / sizeof all[0]);
    machine_end();
}

static void test_addresses_of_the_program_are_described(void **state)
{
    (void)state;
    static const struct description all[] = {
        {MACHINE_PROGRAM + PROGRAM_MAIN, "main+0x0 [program]"},
        {MACHINE_PROGRAM + PROGRAM_HELPER - 1, "main+0x3f [program]"},
        {MACHINE_PROGRAM + PROGRAM_HELPER + 0x1f, "helper+0x1f [program]"},
        {MACHINE_PROGRAM + PROGRAM_HELPER + 0x20, ".text+0x60 [program]"},
        {MACHINE_PROGRAM, "[program]+0x0"},
        {MACHINE_PROGRAM + PROGRAM_LIMITS + 2, "limits+0x2 [program]"},
        {MACHINE_PROGRAM + PROGRAM_COUNTER, "counter+0x0 [program]"},
        {MACHINE_PROGRAM + PROGRAM_BUFFER + 0xfff, "buffer+0xfff [program]"},
        {MACHINE_PROGRAM + PROGRAM_END - 1, "[program]+0x3fff"},
        {MACHINE_PROGRAM + PROGRAM_END, NULL},
        {MACHINE_HEAP + 0x123, "+0x123"},
        {MACHINE_FILE + 0x1456, "/lib/data +0x1456"},
        {MACHINE_MEMORY + 0x3fff, "+0x3fff"},
        {MACHINE_MEMORY + 0x4000, NULL},
        {MACHINE_STACK_TOP - 1, "+0xfffff"},
        {MACHINE_STACK - 1, NULL},
        {LAYOUT_PROGRAM_END - 1, NULL},
        {LAYOUT_PROGRAM_END, NULL},
    };
    machine_start();
    check_descriptions(all, sizeof all / sizeof all[0]);
    machine_end();
}

static void test_addresses_of_the_kernel_are_described(void **state)
{
    (void)state;
    machine_start();
    const struct description all[] = {
        {virt_of(init_text_start).v, "start+0x0 [kernel]"},
        {virt_of(init_text_start).v - 1, NULL},
        {STUB_FUNCTION - 1, "start+0x1fff [kernel]"},
        {STUB_FUNCTION, "fault_page+0x0 [kernel]"},
        {STUB_SLEEP + 5, "sleep+0x5 [kernel]"},
        {virt_of(text_end).v - 1, "sleep+0x7ceff [kernel]"},
        {virt_of(rodata_start).v + 5, "+0x5"},
        {virt_of(ro_after_init_start).v, "kernel_policy+0x0 [kernel]"},
        {STUB_VARIABLE + 4, "kernel_counter+0x4 [kernel]"},
        {virt_of(data_end).v, NULL},
        {LAYOUT_HEAP_START + 0x40, "+0x40"},
        {machine_main->kstack.end.v - 8, "1 \"main\" +0x3ff8"},
        {machine_main->kstack.start.v - 8, "1 \"main\" +0x3ff8"},
        {machine_worker->kstack.start.v, "2 \"worker\" +0x0"},
        {LAYOUT_SCRATCH + 9, "+0x9"},
        {paging_program_window + 0x1234, "+0x1234"},
    };
    check_descriptions(all, sizeof all / sizeof all[0]);
    machine_end();
}

/* --- memory is read where it is mapped, or in a file --- */

static void test_words_are_read_without_faults(void **state)
{
    (void)state;
    static const struct {
        uint64_t at;
        bool readable;
        uint64_t word;
    } reads[] = {
        {MACHINE_PROGRAM + PROGRAM_MAIN + 0x10, true, UINT64_C(0x9090909018438948)},
        {MACHINE_PROGRAM + PROGRAM_LIMITS, true, UINT64_C(0x8877665544332211)}, /* of the file */
        {MACHINE_PROGRAM + PROGRAM_LIMITS - 4, true, UINT64_C(0x4433221190909090)}, /* of both */
        {MACHINE_PROGRAM + PROGRAM_BUFFER, true, 0},
        {MACHINE_PROGRAM + 0x3000, false, 0}, /* .bss without a page */
        {MACHINE_FILE + 0x10, true, 0},
        {MACHINE_FILE + PAGE_SIZE, false, 0}, /* past the file */
        {MACHINE_KEPT, false, 0},
        {MACHINE_GUARD, false, 0},
        {MACHINE_STACK_TOP - 8, true, UINT64_C(0x1122334455667788)},
        {MACHINE_STACK_TOP - 4, false, 0}, /* ends behind the stack */
        {LAYOUT_HEAP_START, true, 0},
        {LAYOUT_HEAP_START + PAGE_SIZE, false, 0},
        {0x18, false, 0},
        {UINT64_C(0x8000000000000000), false, 0},
        {UINT64_C(0xfffffffffffffffc), false, 0}, /* wraps */
    };
    machine_start();
    memset(program_file + PROGRAM_LIMITS - 8, 0x33, 8); /* the page differs from the file */
    memset(machine_pointer(virt(MACHINE_PROGRAM + PROGRAM_LIMITS - 8)), 0x90, 8);
    machine_store(MACHINE_STACK_TOP - 8, UINT64_C(0x1122334455667788));
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        uint64_t word = 0;
        if (report_read_word(reads[i].at, &word) != reads[i].readable ||
            (reads[i].readable && word != reads[i].word))
            fail_msg("word at %#llx: %#llx", (unsigned long long)reads[i].at,
                     (unsigned long long)word);
    }
    uint64_t word;
    const struct virt_range page = virt_range(MACHINE_FILE, MACHINE_FILE + PAGE_SIZE);
    assert_int_equal(areas_protect(running_space, page, prot_none()), E_OK);
    assert_false(report_read_word(MACHINE_FILE + 0x10, &word));
    machine_end();
}

/* The file's part of a page that a segment ends in is all that may be read of the file. */
static void test_the_end_of_a_segment_is_not_read_from_the_file(void **state)
{
    (void)state;
    uint64_t word, end = MACHINE_PROGRAM + PROGRAM_FILE_END;
    machine_start();
    machine_unmap(MACHINE_PROGRAM + 0x2000);
    assert_true(report_read_word(end - 8, &word));
    assert_false(report_read_word(end - 7, &word));
    machine_end();
}

/* --- return addresses --- */

static void test_return_addresses_follow_calls(void **state)
{
    (void)state;
    static const struct {
        uint8_t code[7];
        bool call;
    } codes[] = {
        {{0x90, 0x90, 0xe8, 0, 0, 0, 0}, true},             /* call rel32 */
        {{0x90, 0xe8, 0, 0, 0, 0, 0x90}, false},            /* not the last instruction */
        {{0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd0}, true}, /* call *%rax */
        {{0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd7}, true}, /* call *%rdi */
        {{0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd8}, false},
        {{0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xe0}, false}, /* jmp *%rax */
        {{0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0x10}, true},  /* call *(%rax) */
        {{0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0x20}, false},
        {{0x90, 0x90, 0x90, 0x90, 0xff, 0x50, 0x18}, true}, /* call *0x18(%rax) */
        {{0x90, 0x90, 0x90, 0x90, 0xff, 0x60, 0x18}, false},
        {{0x90, 0x90, 0x90, 0xff, 0x54, 0x24, 0x18}, true}, /* call *0x18(%rsp) */
        {{0x90, 0x90, 0x90, 0xff, 0x64, 0x24, 0x18}, false},
        {{0x90, 0xff, 0x15, 0, 0, 0, 0}, true}, /* call *x(%rip) */
        {{0x90, 0xff, 0x25, 0, 0, 0, 0}, false},
        {{0xff, 0x14, 0x25, 0, 0, 0, 0}, true}, /* call *x */
        {{0xff, 0x24, 0x25, 0, 0, 0, 0}, false},
        {{0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90}, false},
    };
    const uint64_t at = MACHINE_PROGRAM + 0x600;
    machine_start();
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        memcpy(machine_pointer(virt(at - 7)), codes[i].code, 7);
        if (report_is_return_address(at) != codes[i].call)
            fail_msg("code %zu", i);
    }
    machine_end();
}

static void test_return_addresses_are_in_code(void **state)
{
    (void)state;
    static const uint64_t places[] = {MACHINE_PROGRAM + 0x2020, MACHINE_MEMORY + 0x20,
                                      LAYOUT_HEAP_START + 0x20};
    machine_start();
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        memcpy(machine_pointer(virt(places[i] - 5)), "\xe8\0\0\0\0", 5);
        assert_false(report_is_return_address(places[i]));
    }
    uint64_t code = virt_of(text_start).v;
    machine_map(code, prot_rx());
    memcpy(machine_pointer(virt(code + 0x20 - 5)), "\xe8\0\0\0\0", 5);
    assert_true(report_is_return_address(code + 0x20));
    assert_false(report_is_return_address(code + 0x21));
    assert_false(report_is_return_address(code + PAGE_SIZE));
    assert_false(report_is_return_address(LAYOUT_PROGRAM_START - 1));
    assert_false(report_is_return_address(UINT64_C(0x8000000000000000)));
    machine_end();
}

/* --- the walk --- */

struct walk_lines {
    uint64_t address;
    unsigned seen; /* bit n: level n */
};

static void check_walk_line(void *context, const char *line)
{
    struct walk_lines *w = context;
    unsigned level, index;
    unsigned long long entry;
    const char *at = strstr(line, "L");
    while (at != NULL && sscanf(at, "L%u[0x%x] = %llx", &level, &index, &entry) != 3)
        at = strstr(at + 1, "L");
    if (at == NULL)
        return;
    assert_in_range(level, 1, 4);
    uint64_t table = sim_root();
    for (unsigned above = 4; above > level; above--)
        table = sim_physical_read(table + (w->address >> (12 + 9 * (above - 1)) & 511) * 8) &
                UINT64_C(0x000ffffffffff000);
    assert_int_equal(index, w->address >> (12 + 9 * (level - 1)) & 511);
    assert_int_equal(entry, sim_physical_read(table + index * 8));
    w->seen |= 1u << level;
}

/* Each level down to where the walk ends has a line, with the entry that is in memory. */
static void test_walk_shows_each_level(void **state)
{
    (void)state;
    static const struct {
        uint64_t address;
        unsigned levels; /* bit n: level n is shown */
        int denies;      /* a write */
    } walks[] = {
        {MACHINE_PROGRAM + 0x10, 0x1e, 1},
        {MACHINE_PROGRAM + 0x1010, 0x1e, 1},
        {MACHINE_MEMORY + 0x10, 0x1e, 0},
        {MACHINE_MEMORY + 0x1010, 0x1e, 1},
        {MACHINE_KEPT, 0x1e, 1},
        {MACHINE_LARGE + 0x12345, 0x1c, 2},
        {MACHINE_LARGE + LARGE_SIZE, 0x1c, 2},
        {MACHINE_FILE + (UINT64_C(1) << 30), 0x18, 3},
        {UINT64_C(0x10000000000), 0x10, 4},
        {LAYOUT_KSTACK_START, 0x1e, 1},
        {LAYOUT_HEAP_START, 0x1e, 0},
        {LAYOUT_DEVICE_START, 0x10, 4},
        {UINT64_C(0x800000000000), 0, 4}, /* not canonical: it has no walk */
    };
    machine_start();
    for (size_t i = 0; i < sizeof walks / sizeof walks[0]; i++) {
        const char *why;
        struct walk_lines lines = {.address = walks[i].address};
        struct fault_facts f = machine_fault(walks[i].address, ACCESS_WRITE);
        fault_report_write(&f, check_walk_line, &lines);
        assert_int_equal(lines.seen, walks[i].levels);
        if (f.walked)
            assert_int_equal(fault_denying_level(&f, &why), walks[i].denies);
    }
    machine_end();
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--write") == 0)
        return golden_write(OURO_GOLDEN, write_all);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_areas_stacks_and_history_of_an_address),
        cmocka_unit_test(test_numbers_and_patterns_are_described),
        cmocka_unit_test(test_addresses_of_the_program_are_described),
        cmocka_unit_test(test_addresses_of_the_kernel_are_described),
        cmocka_unit_test(test_words_are_read_without_faults),
        cmocka_unit_test(test_the_end_of_a_segment_is_not_read_from_the_file),
        cmocka_unit_test(test_return_addresses_follow_calls),
        cmocka_unit_test(test_return_addresses_are_in_code),
        cmocka_unit_test(test_walk_shows_each_level),
    };
    return RUN_TESTS(tests);
}
