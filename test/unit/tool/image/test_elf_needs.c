/* SPDX-License-Identifier: MIT */
/* The dynamic section of a small hand-made library, and of damaged copies of it. */
#include "image/elf_needs.h"

#include "unit.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BASE 0x400000u

struct image { /* a file, mapped at BASE */
    Elf64_Ehdr header;
    Elf64_Phdr program[3];
    Elf64_Dyn dynamic[9];
    char interpreter[16];
    char strings[64];
};

static const char names[] = "\0libone.so\0libtwo.so\0self.so\0/r\0$ORIGIN";

static struct image good_image(void)
{
    struct image i = {
        .header = {.e_ident = ELFMAG "\2\1\1",
                   .e_type = ET_DYN,
                   .e_machine = EM_X86_64,
                   .e_version = 1,
                   .e_phoff = offsetof(struct image, program),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 3},
        .program = {{.p_type = PT_LOAD,
                     .p_vaddr = BASE,
                     .p_filesz = sizeof(struct image),
                     .p_memsz = sizeof(struct image)},
                    {.p_type = PT_DYNAMIC,
                     .p_offset = offsetof(struct image, dynamic),
                     .p_filesz = sizeof(((struct image *)0)->dynamic)},
                    {.p_type = PT_INTERP,
                     .p_offset = offsetof(struct image, interpreter),
                     .p_filesz = sizeof(((struct image *)0)->interpreter)}},
        .dynamic = {{DT_NEEDED, {1}},
                    {DT_NEEDED, {11}},
                    {DT_SONAME, {21}},
                    {DT_RPATH, {29}},
                    {DT_RUNPATH, {32}},
                    {DT_STRTAB, {BASE + offsetof(struct image, strings)}},
                    {DT_STRSZ, {sizeof(names)}},
                    {DT_FLAGS_1, {DF_1_NODEFLIB}},
                    {DT_NULL, {0}}},
        .interpreter = "/lib/ld.so",
    };
    memcpy(i.strings, names, sizeof(names));
    return i;
}

static enum elf_kind read_image(const void *bytes, size_t size, struct elf_needs *out)
{
    char path[] = "/tmp/ouro-needs-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
    enum elf_kind kind = elf_needs_read(path, out);
    unlink(path);
    return kind;
}

static void test_needs_of_a_good_program(void **state)
{
    (void)state;
    struct image i = good_image();
    struct elf_needs needs;
    assert_int_equal(read_image(&i, sizeof(i), &needs), ELF_DYNAMIC);
    assert_string_equal(needs.interpreter, "/lib/ld.so");
    assert_int_equal(needs.needed.count, 2);
    assert_string_equal(needs.needed.item[0], "libone.so");
    assert_string_equal(needs.needed.item[1], "libtwo.so");
    assert_string_equal(needs.soname, "self.so");
    assert_null(needs.rpath); /* DT_RUNPATH overrides it */
    assert_string_equal(needs.runpath, "$ORIGIN");
    assert_true(needs.no_default);
    elf_needs_free(&needs);
    i.dynamic[4].d_tag = DT_DEBUG;
    assert_int_equal(read_image(&i, sizeof(i), &needs), ELF_DYNAMIC);
    assert_string_equal(needs.rpath, "/r");
    elf_needs_free(&needs);
    i.program[1].p_type = PT_NULL;
    assert_int_equal(read_image(&i, sizeof(i), &needs), ELF_STATIC);
    elf_needs_free(&needs);
}

static void test_no_needs_of_other_machines(void **state)
{
    (void)state;
    struct elf_needs needs;
    struct image i = good_image();
    i.header.e_machine = EM_AARCH64;
    assert_int_equal(read_image(&i, sizeof(i), &needs), ELF_NONE);
    i = good_image();
    i.header.e_ident[EI_CLASS] = ELFCLASS32;
    assert_int_equal(read_image(&i, sizeof(i), &needs), ELF_NONE);
    i = good_image();
    i.header.e_type = ET_REL;
    assert_int_equal(read_image(&i, sizeof(i), &needs), ELF_NONE);
    assert_int_equal(read_image("#!/bin/sh\n", 10, &needs), ELF_NONE);
    assert_int_equal(read_image("", 0, &needs), ELF_NONE);
    assert_int_equal(elf_needs_read("/nowhere", &needs), ELF_NONE);
}

/* Offsets, sizes and indices that are out of the file. */
static void test_offsets_out_of_the_file_are_refused(void **state)
{
    (void)state;
    struct elf_needs needs;
    struct image i = good_image();
    i.dynamic[0].d_un.d_val = sizeof(names); /* behind the string table */
    assert_int_equal(read_image(&i, sizeof(i), &needs), ELF_BROKEN);
    elf_needs_free(&needs);
    i = good_image();
    i.dynamic[0].d_un.d_val = UINT64_MAX;
    assert_int_equal(read_image(&i, sizeof(i), &needs), ELF_BROKEN);
    elf_needs_free(&needs);
    i = good_image();
    i.dynamic[6].d_un.d_val = UINT64_MAX; /* DT_STRSZ */
    assert_int_equal(read_image(&i, sizeof(i), &needs), ELF_BROKEN);
    elf_needs_free(&needs);
    i = good_image();
    i.program[1].p_offset = UINT64_MAX - 8;
    assert_int_equal(read_image(&i, sizeof(i), &needs), ELF_BROKEN);
    elf_needs_free(&needs);
    i = good_image();
    memset(i.interpreter, 'x', sizeof(i.interpreter)); /* no NUL */
    assert_int_equal(read_image(&i, sizeof(i), &needs), ELF_BROKEN);
    elf_needs_free(&needs);
}

/* With any byte changed, or the file truncated anywhere, the reader returns and reads within bounds. */
static void test_any_wrong_byte_is_answered(void **state)
{
    (void)state;
    struct elf_needs needs;
    struct image i = good_image();
    for (size_t at = 0; at < sizeof(i); at++) {
        struct image spoiled = i;
        ((unsigned char *)&spoiled)[at] ^= 0xff;
        (void)read_image(&spoiled, sizeof(spoiled), &needs);
        elf_needs_free(&needs);
        (void)read_image(&i, at, &needs);
        elf_needs_free(&needs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_needs_of_a_good_program),
        cmocka_unit_test(test_no_needs_of_other_machines),
        cmocka_unit_test(test_offsets_out_of_the_file_are_refused),
        cmocka_unit_test(test_any_wrong_byte_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
