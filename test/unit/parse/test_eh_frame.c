/* SPDX-License-Identifier: MIT */
/*
 * Unwinding of this process by call frame information: a chain of functions compiled without frame
 * pointers, whose frames must be those of libgcc's _Unwind_Backtrace. Then damaged tables, and
 * symbols of this program.
 */
#include "parse/eh_frame.h"
#include "parse/elf_symbols.h"

#include "unit.h"

#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#define FRAMES 64

static int self;

/* Reads any address by a system call, which fails if it is not mapped. */
static bool read_memory(void *context, uint64_t at, void *to, size_t size)
{
    (void)context;
    return pread(self, to, size, (off_t)at) == (ssize_t)size;
}

static const struct byte_reader memory = {read_memory, NULL};

static bool read_file(void *context, uint64_t at, void *to, size_t size)
{
    FILE *file = context;
    return at < INT32_MAX && fseek(file, (long)at, SEEK_SET) == 0 &&
           fread(to, 1, size, file) == size;
}

struct object {
    uint64_t start, end, bias;
    char path[256];
};

static struct object objects[32];
static unsigned object_count;

static int add_object(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    struct object *o = &objects[object_count];
    memset(o, 0, sizeof *o);
    o->bias = info->dlpi_addr;
    o->start = UINT64_MAX;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uint64_t at = info->dlpi_addr + p->p_vaddr;
        if (p->p_type != PT_LOAD)
            continue;
        o->start = at < o->start ? at : o->start;
        o->end = at + p->p_memsz > o->end ? at + p->p_memsz : o->end;
    }
    snprintf(o->path, sizeof o->path, "%s",
             info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe");
    object_count += o->path[0] == '/' && object_count + 1 < 32;
    return 0;
}

static const struct object *object_at(uint64_t at)
{
    for (unsigned i = 0; i < object_count; i++)
        if (at >= objects[i].start && at < objects[i].end)
            return &objects[i];
    return NULL;
}

static bool tables_at(uint64_t at, bool header, struct unwind_tables *out)
{
    struct elf_unwind found;
    const struct object *o = object_at(at);
    if (o == NULL)
        return false;
    FILE *file = fopen(o->path, "rb");
    struct byte_reader reader = {read_file, file};
    bool ok = file != NULL && elf_unwind_tables(&reader, &found);
    if (file != NULL)
        fclose(file);
    if (!ok)
        return false;
    assert_true(found.header_size != 0 && found.frames_size != 0);
    *out = (struct unwind_tables){found.header + o->bias, header ? found.header_size : 0,
                                  found.frames + o->bias, found.frames_size};
    return true;
}

static uint64_t expected[FRAMES];
static unsigned expected_count;

static _Unwind_Reason_Code take_frame(struct _Unwind_Context *context, void *unused)
{
    (void)unused;
    if (expected_count < FRAMES)
        expected[expected_count++] = _Unwind_GetIP(context);
    return _URC_NO_REASON;
}

static bool with_header;

/* Called by the last function of the chain. */
__attribute__((noinline)) static int compare(const void *a, const void *b)
{
    (void)a;
    (void)b;
    struct unwind_frame frame = {.exact = true};
    struct unwind_tables tables;
    uint64_t registers[UNWIND_REGISTERS];
    __asm__ volatile("mov %%rbx, 24(%0); mov %%rbp, 48(%0); mov %%rsp, 56(%0); mov %%r12, 96(%0);"
                     "mov %%r13, 104(%0); mov %%r14, 112(%0); mov %%r15, 120(%0);"
                     "lea 0(%%rip), %%rcx; mov %%rcx, 128(%0)"
                     :
                     : "r"(registers)
                     : "rcx", "memory");
    memcpy(frame.r, registers, sizeof registers);
    frame.known = 1 << UNWIND_RBX | 1 << UNWIND_RBP | 1 << UNWIND_RSP | 0x1f000;
    expected_count = 0;
    _Unwind_Backtrace(take_frame, NULL);
    assert_true(expected_count > 10);
    /* Frame 0 of both is this function, at different addresses. */
    for (unsigned i = 1; i < expected_count; i++) {
        if (!tables_at(frame.r[UNWIND_RIP], with_header, &tables))
            fail_msg("frame %u at %llx is in no object", i,
                     (unsigned long long)frame.r[UNWIND_RIP]);
        bool more = eh_frame_step(&memory, &tables, &frame);
        if (expected[i] == 0 || (!more && i + 1 >= expected_count))
            break;
        if (!more || frame.r[UNWIND_RIP] != expected[i])
            fail_msg("frame %u: %llx, not %llx", i, (unsigned long long)frame.r[UNWIND_RIP],
                     (unsigned long long)expected[i]);
    }
    return 0;
}

/* Frames of different shapes: variable size, many registers, a recursion, a library between. */
__attribute__((noinline)) static int deep(int n)
{
    int keep[4] = {n, n + 1, n + 2, n + 3};
    if (n == 0) {
        char key = 0, base[2] = {0, 0};
        (void)bsearch(&key, base, 1, 1, compare);
        return keep[0];
    }
    volatile char *room = __builtin_alloca((size_t)n * 16);
    room[0] = (char)n;
    int result = deep(n - 1) + keep[n % 4];
    return result + room[0];
}

static void test_own_stack_is_unwound(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        with_header = i == 0;
        assert_true(deep(12) >= 0);
    }
}

/* A copy of this program's tables with changed bytes: each step must return, successful or not. */
struct damaged {
    uint64_t start, size;
    uint8_t *bytes;
};

static bool read_damaged(void *context, uint64_t at, void *to, size_t size)
{
    struct damaged *d = context;
    if (at >= d->start && at - d->start < d->size && size <= d->size - (at - d->start)) {
        memcpy(to, d->bytes + (at - d->start), size);
        return true;
    }
    return read_memory(NULL, at, to, size);
}

static void test_damaged_tables_end_the_walk(void **state)
{
    (void)state;
    struct unwind_tables tables;
    uint64_t here = (uint64_t)(uintptr_t)test_own_stack_is_unwound, stack[64] = {here};
    assert_true(tables_at(here, true, &tables));
    struct damaged d = {.start = tables.frames, .size = tables.frames_size};
    d.bytes = malloc(d.size);
    assert_non_null(d.bytes);
    srand(1);
    const struct byte_reader reader = {read_damaged, &d};
    for (unsigned round = 0; round < 3000; round++) {
        assert_true(read_memory(NULL, d.start, d.bytes, d.size));
        for (unsigned i = 0; i < 1 + d.size / 50; i++)
            d.bytes[(unsigned)rand() % d.size] = (uint8_t)rand();
        struct unwind_frame frame = {.known = (1 << UNWIND_REGISTERS) - 1, .exact = true};
        for (unsigned i = 0; i < UNWIND_REGISTERS; i++)
            frame.r[i] = (uint64_t)(uintptr_t)stack;
        frame.r[UNWIND_RIP] = here + (unsigned)rand() % 64;
        tables.header_size = round % 2 ? tables.header_size : 0;
        for (unsigned steps = 0; steps < 100 && eh_frame_step(&reader, &tables, &frame); steps++)
            continue;
    }
    free(d.bytes);
}

static void test_symbols_of_this_program(void **state)
{
    (void)state;
    FILE *file = fopen("/proc/self/exe", "rb");
    const struct byte_reader reader = {read_file, file};
    struct elf_name name;
    struct elf_part part;
    const struct object *o = object_at((uint64_t)(uintptr_t)test_symbols_of_this_program);
    uint64_t at = (uint64_t)(uintptr_t)test_symbols_of_this_program - o->bias;
    assert_non_null(file);
    assert_true(elf_symbol_at(&reader, at, &name));
    assert_string_equal(name.text, "test_symbols_of_this_program");
    assert_int_equal(name.start, at);
    assert_true(name.size > 20);
    assert_true(elf_symbol_at(&reader, at + 20, &name));
    assert_string_equal(name.text, "test_symbols_of_this_program");
    at = (uint64_t)(uintptr_t)&objects[3] - o->bias;
    assert_true(elf_symbol_at(&reader, at, &name));
    assert_string_equal(name.text, "objects");
    assert_true(elf_section_at(&reader, at, &name));
    assert_string_equal(name.text, ".bss");
    assert_true(elf_part_at_address(&reader, at, &part));
    assert_true(at - part.address < part.memory_size && at - part.address >= part.file_size);
    assert_true(elf_part_at_offset(&reader, 0, &part));
    assert_int_equal(part.offset, 0);
    assert_false(elf_symbol_at(&reader, 1, &name));
    assert_false(elf_part_at_address(&reader, UINT64_C(1) << 40, &part));
    fclose(file);
}

int main(void)
{
    self = open("/proc/self/mem", 0);
    dl_iterate_phdr(add_object, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_stack_is_unwound),
        cmocka_unit_test(test_damaged_tables_end_the_walk),
        cmocka_unit_test(test_symbols_of_this_program),
    };
    return RUN_TESTS(tests);
}
