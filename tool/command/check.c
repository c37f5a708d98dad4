/* SPDX-License-Identifier: MIT */
/* `ouro check`: lists the files to pack and the system calls in them that the kernel lacks. No boot. */
#include "command/commands.h"
#include "image/elf_needs.h"
#include "image/scan.h"
#include "machine/boot.h"
#include "machine/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1024.0 * 1024)

enum verdict { /* the exit status; failures have those of host/fail.h */
    VERDICT_GOOD = 0,
    VERDICT_LACKS = 1,
};

/* Prints a line for the ELF file and one for each of its system calls that the kernel lacks; returns
 * the number of those. */
static unsigned check_file(const struct entry *entry)
{
    struct scan *scan = memory(sizeof(*scan));
    unsigned lacking = 0;
    scan_file(entry->source, scan_is_libc(entry->path), scan);
    printf("%10.1f KiB  /%s\n", (double)entry->stat.st_size / 1024, entry->path);
    for (size_t i = 0; i < scan_row_count; i++) {
        const struct scan_row *row = &scan_rows[i];
        bool direct = scan->direct[row->number], imported = scan->imported[row->number];
        if (row->present || !(direct || imported))
            continue;
        printf("                lacks %s (%u), %s\n", row->name, row->number,
               direct ? "called here" : "imported from libc");
        lacking++;
    }
    free(scan);
    return lacking;
}

/* What the rules added, and for what (image/rules.h). */
static void print_rules(const struct rules_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++)
        printf("%10.1f MiB  by rule: %s (%zu files)\n", notes->note[i].bytes / MIB,
               notes->note[i].reason, notes->note[i].files);
}

int command_check(int argc, char **argv)
{
    struct request request;
    struct program program = {0};
    struct tree tree = {0};
    struct rules_notes notes = {0};
    unsigned lacking = 0, others = 0;
    double bytes = 0;
    options_read(COMMAND_CHECK, argc, argv, &request);
    guard_start();
    boot_tree(&request, &tree, &program, &notes);
    for (size_t i = 0; i < tree.count; i++) {
        const struct entry *entry = &tree.entry[i];
        struct elf_needs needs;
        if (!entry->source)
            continue;
        bytes += (double)entry->stat.st_size;
        enum elf_kind kind = elf_needs_read(entry->source, &needs);
        elf_needs_free(&needs);
        if (kind == ELF_NONE)
            others++;
        else
            lacking += check_file(entry);
    }
    print_rules(&notes);
    printf("%.1f MiB in all, with %u other files\n", bytes / MIB, others);
    if (lacking == 0)
        printf("%s: every system call that was found is there\n", program.name);
    else
        printf("%s: %u uses of system calls that Ouro lacks and answers with ENOSYS\n",
               program.name, lacking);
    return lacking == 0 ? VERDICT_GOOD : VERDICT_LACKS;
}
