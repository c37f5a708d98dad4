/* SPDX-License-Identifier: MIT */
/*
 * The text of fault reports. Every error code and a scenario for each cause are written out and
 * compared with golden/fault_report.txt. After a change on purpose: test_fault_report --write, then
 * read the difference.
 */
#include "mm/fault_report.h"

#include "mm/fault.h"
#include "mm/layout.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text[200000];
static size_t used;

static void add_line(void *context, const char *line)
{
    (void)context;
    used += (size_t)snprintf(text + used, sizeof text - used, "%s\n", line);
    assert_true(used < sizeof text);
}

static void add_title(const char *title)
{
    used += (size_t)snprintf(text + used, sizeof text - used, "\n[%s]\n", title);
    assert_true(used < sizeof text);
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
        .headline = "CRASH (SIGSEGV)",
        .who = "main",
        .time_ns = 1234567890,
        .page_fault = true,
        .access = access,
        .address = virt(address),
        .error = error,
        .rip = 0x401234,
        .rsp = 0x7ffffffde000,
        .walk = walk_to(virt(address), 0, 3),
    };
}

static void add(const char *title, const struct fault_facts *f)
{
    add_title(title);
    fault_report_write(f, add_line, NULL);
}

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
    add("null write with an offset", &f);
    f.address = f.walk.address = virt(0);
    f.access = ACCESS_EXECUTE;
    f.error = PF_EXECUTE;
    f.rip = 0;
    add("null call", &f);
    f = facts(LAYOUT_PROGRAM_START - 1, ACCESS_READ, 0);
    add("the last byte that counts as null", &f);
    f = facts(LAYOUT_PROGRAM_START, ACCESS_READ, 0);
    add("the first that does not", &f);
}

static void add_stack(void)
{
    struct fault_facts f = facts(0x7fffff7feff8, ACCESS_WRITE, PF_WRITE);
    f.here = neighbour(0x7fffff7ef000, 0x7fffff7ff000, prot_none(), AREA_STACK);
    f.here.kind = AREA_GUARD;
    f.above = neighbour(0x7fffff7ff000, 0x7ffffffff000, prot_rw(), AREA_STACK);
    add("stack overflow", &f);
    f.here.flags = 0;
    add("another guard", &f);
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
    f.walk.entry[1].v = UINT64_C(0x58000) | PTE_P | PTE_NX | PTE_COPY;
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
    f.page_fault = false;
    f.exception = "general protection";
    add("an exception without an address", &f);
}

static void write_all(void)
{
    used = 0;
    add_error_codes();
    add_null();
    add_stack();
    add_data();
    add_outside();
}

static void test_golden(void **state)
{
    (void)state;
    static char golden[sizeof text];
    FILE *file = fopen(OURO_GOLDEN, "r");
    assert_non_null(file);
    size_t size = fread(golden, 1, sizeof golden - 1, file);
    fclose(file);
    golden[size] = '\0';
    write_all();
    for (char *got = text, *expected = golden; *got || *expected;) {
        size_t n = strcspn(got, "\n"), m = strcspn(expected, "\n");
        if (n != m || memcmp(got, expected, n) != 0)
            fail_msg("got      %.*s\nexpected %.*s", (int)n, got, (int)m, expected);
        got += n + (got[n] == '\n');
        expected += m + (expected[m] == '\n');
    }
}

/* The cause fits whatever room there is, and always ends. */
static void test_cause_is_cut(void **state)
{
    (void)state;
    struct fault_facts f = facts(0x18, ACCESS_READ, 0);
    for (size_t size = 1; size < 40; size++) {
        char cause[64];
        memset(cause, 'x', sizeof cause);
        fault_report_cause(&f, cause, size);
        assert_true(strlen(cause) < size);
        assert_int_equal(cause[size], 'x');
        assert_memory_equal(cause, "null pointer, offset 0x18", strlen(cause));
    }
}

/* A line longer than the report's buffer is cut, not written past it. */
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
    f.who = f.headline = name;
    f.here = neighbour(0x7f0000000000, 0x7f0000004000, prot_ro(), 0);
    memset(f.here.name, 'm', sizeof f.here.name - 1);
    fault_report_write(&f, check_length, &longest);
    assert_true(longest > 100 && longest < 1000);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--write") == 0) {
        FILE *file = fopen(OURO_GOLDEN, "w");
        write_all();
        return file == NULL || fwrite(text, 1, used, file) != used || fclose(file) != 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_cause_is_cut),
        cmocka_unit_test(test_long_names),
    };
    return RUN_TESTS(tests);
}
