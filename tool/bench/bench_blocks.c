/* SPDX-License-Identifier: MIT */
/*
 * What a boot costs QEMU: the blocks of code that it translates, and processor time beside that of an empty
 * guest, which has the same devices and ends the machine by its first instructions.
 */
#include "bench/bench.h"
#include "host/fail.h"
#include "host/guard.h"
#include "machine/kvm.h"

#include <elf.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE       "hello"  /* all that bench/line.c prints */
#define NO_MARK    "\1"     /* the end of the machine ends the boot, not a mark */
#define EMPTY_LOAD 0x100000 /* address of the empty guest */
#define XEN_PHYS32 18       /* XEN_ELFNOTE_PHYS32_ENTRY (Xen, docs/misc/pvh.pandoc) */
#define BLOCK_LINE "IN:"    /* of QEMU's log: the next line begins with the block's address */

static const struct kind {
    const char *name;
    enum chipset chipset;
} kinds[] = {{"microvm", CHIPSET_MICROVM}, {"pc", CHIPSET_PC}};

/* An ELF kernel for QEMU's -kernel that writes to the exit port (isa-debug-exit). */
static char *empty_guest(void)
{
    struct image {
        Elf64_Ehdr header;
        Elf64_Phdr load, note;
        Elf64_Nhdr note_header;
        char note_name[4];
        uint64_t entry;
        uint8_t code[8];
    } image = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                               EV_CURRENT},
                   .e_type = ET_EXEC,
                   .e_machine = EM_X86_64,
                   .e_version = EV_CURRENT,
                   .e_entry = EMPTY_LOAD + offsetof(struct image, code),
                   .e_phoff = offsetof(struct image, load),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 2},
        .load = {.p_type = PT_LOAD,
                 .p_flags = PF_R | PF_W | PF_X,
                 .p_vaddr = EMPTY_LOAD,
                 .p_paddr = EMPTY_LOAD,
                 .p_filesz = sizeof(struct image),
                 .p_memsz = sizeof(struct image),
                 .p_align = 1},
        .note = {.p_type = PT_NOTE,
                 .p_offset = offsetof(struct image, note_header),
                 .p_filesz = sizeof(Elf64_Nhdr) + 4 + sizeof(uint64_t),
                 .p_align = 4},
        .note_header = {.n_namesz = 4, .n_descsz = sizeof(uint64_t), .n_type = XEN_PHYS32},
        .note_name = "Xen",
        .entry = EMPTY_LOAD + offsetof(struct image, code),
        .code = {0xe6, 0xf4, 0xf4, 0xeb, 0xfd}, /* out %al, $0xf4; hlt; jmp to the hlt */
    };
    char *path = guard_path("empty.elf");
    FILE *file = fopen(path, "we");
    if (file == NULL || fwrite(&image, sizeof image, 1, file) != 1 || fclose(file) != 0)
        fail_errno("cannot write %s", path);
    return path;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The different addresses of blocks in QEMU's log of translated code. */
static size_t blocks_in(const char *path)
{
    FILE *file = fopen(path, "re");
    uint64_t *at = NULL;
    size_t count = 0, room = 0, different = 0;
    bool next = false;
    char line[512];
    if (file == NULL)
        fail_errno("cannot read %s", path);
    while (fgets(line, sizeof line, file) != NULL) {
        if (next && count == room) {
            room = room * 2 + 1024;
            at = realloc(at, room * sizeof *at);
            if (at == NULL)
                fail_errno("cannot read %s", path);
        }
        if (next)
            at[count++] = strtoull(line, NULL, 16);
        next = strncmp(line, BLOCK_LINE, strlen(BLOCK_LINE)) == 0;
    }
    fclose(file);
    if (count > 0)
        qsort(at, count, sizeof *at, by_value);
    for (size_t i = 0; i < count; i++)
        different += i == 0 || at[i] != at[i - 1];
    free(at);
    return different;
}

static void add_cost(struct bench *bench, const char *what, const struct kind *kind,
                     const char *unit, double value)
{
    char *name = string_format("%s.%s", what, kind->name);
    const struct figure_key key = {"boot", name, unit};
    figures_add(&bench->figures, &key, bench_series(BENCH_OURO, false), value);
    free(name);
}

/* Runs a machine to its end; milliseconds of processor time. */
static double run_to_the_end(const struct bench_boot *boot, const char *line)
{
    struct bench_seen seen = {.mark = {NO_MARK}, .marks = 1};
    bench_run(boot, &seen);
    if (line != NULL && (seen.output.bytes == NULL || strstr(seen.output.bytes, line) == NULL))
        warn("a boot for `blocks` did not print its line");
    text_free(&seen.output);
    return seen.processor_ms;
}

static void count_blocks(struct bench *bench, const struct kind *kind,
                         const struct bench_boot *hello)
{
    char *path = guard_path("blocks.log");
    const char *const log[] = {"-d", "in_asm", "-D", path, NULL};
    struct bench_boot boot = *hello;
    boot.qemu = log;
    boot.words = "norandmaps"; /* the same code each time */
    run_to_the_end(&boot, LINE);
    add_cost(bench, "blocks", kind, "blocks", (double)blocks_in(path));
    free(path);
}

static void compare_with_empty(struct bench *bench, const struct kind *kind,
                               const struct bench_boot *hello)
{
    struct bench_boot empty = *hello;
    double *ours = calloc(bench->runs, sizeof *ours), *theirs = calloc(bench->runs, sizeof *theirs);
    char *guest = empty_guest();
    if (ours == NULL || theirs == NULL)
        fail_errno("cannot compare boots");
    empty.kernel = guest;
    for (unsigned run = 0; run < bench->runs; run++) {
        bench_progress("an empty guest and a boot", BENCH_OURO, run + 1, bench->runs);
        theirs[run] = run_to_the_end(&empty, NULL);
        ours[run] = run_to_the_end(hello, LINE);
        add_cost(bench, "empty_guest", kind, "ms", theirs[run]);
        add_cost(bench, "processor", kind, "ms", ours[run]);
    }
    add_cost(bench, "processor_to_empty", kind, "percent",
             100 * median_of(ours, bench->runs) / median_of(theirs, bench->runs));
    free(guest);
    free(theirs);
    free(ours);
}

void bench_boot_cost(struct bench *bench)
{
    char *line = bench_program("line"), *archive = bench_archive(line, NULL);
    for (size_t k = 0; k < ARRAY_LENGTH(kinds); k++) {
        struct bench_boot boot = bench_direct(bench, BENCH_OURO, archive);
        boot.chipset = kinds[k].chipset;
        if (!kvm_works())
            count_blocks(bench, &kinds[k], &boot);
        compare_with_empty(bench, &kinds[k], &boot);
    }
    free(archive);
    free(line);
}
