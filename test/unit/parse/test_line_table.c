/* SPDX-License-Identifier: MIT */
/* Lines of this very program, whose objects have each version of DWARF, beside those that libdw finds. */
#include "parse/line_table.h"

#include "unit.h"

#include <elfutils/libdw.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int line_program_2(int n);
int line_program_3(int n);
int line_program_4(int n);
int line_program_5(int n);

static struct {
    uint8_t *bytes;
    size_t size;
} self;

static bool read_self(void *context, uint64_t at, void *to, size_t size)
{
    (void)context;
    if (at > self.size || size > self.size - at)
        return false;
    memcpy(to, self.bytes + at, size);
    return true;
}

static const struct byte_reader file = {read_self, NULL};

static int setup(void **state)
{
    (void)state;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat s;
    assert_int_equal(fstat(fd, &s), 0);
    self.size = (size_t)s.st_size;
    self.bytes = malloc(self.size);
    assert_int_equal(read(fd, self.bytes, self.size), s.st_size);
    close(fd);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(self.bytes);
    return 0;
}

static void check(uint64_t address, Dwarf_Line *line)
{
    struct line_place found = {0};
    uint64_t fuel = UINT64_MAX;
    const char *path = dwarf_linesrc(line, NULL, NULL), *slash = strrchr(path, '/');
    int number;
    assert_int_equal(dwarf_lineno(line, &number), 0);
    assert_true(line_table_find(&file, address, &fuel, &found));
    assert_string_equal(found.file, slash ? slash + 1 : path);
    assert_int_equal(found.line, number);
}

/* Checks some of a unit's rows, at their first and last byte; returns their number. */
static unsigned check_unit(Dwarf_Die *unit, bool all)
{
    Dwarf_Lines *lines;
    size_t count;
    unsigned checked = 0;
    assert_int_equal(dwarf_getsrclines(unit, &lines, &count), 0);
    for (size_t i = 0; i + 1 < count; i += all ? 1 : 1 + count / 20) {
        Dwarf_Line *line = dwarf_onesrcline(lines, i), *next = dwarf_onesrcline(lines, i + 1);
        Dwarf_Addr start, end;
        bool last;
        assert_int_equal(dwarf_lineendsequence(line, &last), 0);
        assert_int_equal(dwarf_lineaddr(line, &start), 0);
        assert_int_equal(dwarf_lineaddr(next, &end), 0);
        if (last || start == end || start < 4096) /* code that was dropped is at 0 */
            continue;
        check(start, line);
        check(end - 1, line);
        checked++;
    }
    return checked;
}

static void test_lines_are_those_of_libdw(void **state)
{
    (void)state;
    unsigned versions = 0;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    Dwarf *dwarf = dwarf_begin(fd, DWARF_C_READ);
    assert_non_null(dwarf);
    Dwarf_CU *unit = NULL;
    Dwarf_Half version;
    Dwarf_Die die;
    while (dwarf_get_units(dwarf, unit, &unit, &version, NULL, &die, NULL) == 0) {
        bool ours = strstr(dwarf_diename(&die), "line_program.c") != NULL;
        unsigned checked = check_unit(&die, ours);
        if (ours && checked > 5)
            versions |= 1U << version;
    }
    dwarf_end(dwarf);
    close(fd);
    assert_int_equal(versions, 1U << 2 | 1U << 3 | 1U << 4 | 1U << 5);
    assert_int_equal(line_program_2(9) + line_program_4(9), line_program_3(9) + line_program_5(9));
}

static void test_unknown_addresses_and_little_fuel(void **state)
{
    (void)state;
    struct line_place found;
    struct elf_span lines;
    uint64_t fuel = UINT64_MAX;
    assert_false(line_table_find(&file, UINT64_MAX, &fuel, &found));
    assert_true(elf_section_named(&file, ".debug_line", &lines));
    assert_int_equal(UINT64_MAX - fuel, lines.size); /* all of it was read, once */
    assert_false(line_table_find(&file, UINT64_C(1) << 40, &fuel, &found));
    fuel = 10;
    assert_false(line_table_find(&file, 4096, &fuel, &found));
    assert_int_equal(fuel, 10);
    assert_false(elf_section_named(&file, ".no_such_section", &lines));
}

/* Wherever the table ends or lies, the search ends, with a printable name or none. */
static void test_damaged_tables(void **state)
{
    (void)state;
    struct elf_span lines;
    uint64_t seed = 1;
    assert_true(elf_section_named(&file, ".debug_line", &lines));
    uint8_t *kept = malloc(lines.size), *at = self.bytes + lines.offset;
    memcpy(kept, at, lines.size);
    for (unsigned round = 0; round < 400; round++) {
        struct line_place found;
        uint64_t fuel = 1 << 16;
        for (unsigned i = 0; i < 1 + round % 64; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            at[(seed >> 33) % (round % 2 ? 300 : lines.size)] = (uint8_t)(seed >> 20);
        }
        if (line_table_find(&file, (uintptr_t)line_program_5 & 0xffff, &fuel, &found))
            for (const char *c = found.file; *c; c++)
                assert_in_range(*c, ' ', '~');
        memcpy(at, kept, lines.size);
    }
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_those_of_libdw),
        cmocka_unit_test(test_unknown_addresses_and_little_fuel),
        cmocka_unit_test(test_damaged_tables),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
