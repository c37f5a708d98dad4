/* SPDX-License-Identifier: MIT */
/*
 * strip_sections KERNEL.elf: removes the table of sections and the sections' names, which follow the contents of a
 * stripped kernel. Loaders read the program headers only, but GRUB 2.12 refuses a kernel without a table of sections and
 * their names: one of two entries that describe nothing remains. Runs on the host during the build.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void stop(const char *what)
{
    fprintf(stderr, "strip_sections: %s\n", what);
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        stop("usage: strip_sections KERNEL.elf");
    FILE *file = fopen(argv[1], "r+b");
    Elf64_Ehdr header;
    if (file == NULL || fread(&header, sizeof header, 1, file) != 1)
        stop("cannot read the kernel");
    uint64_t end = header.e_phoff + (uint64_t)header.e_phnum * sizeof(Elf64_Phdr);
    fseek(file, (long)header.e_phoff, SEEK_SET);
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr segment;
        if (fread(&segment, sizeof segment, 1, file) != 1)
            stop("the program headers are cut");
        if (segment.p_filesz > 0 && segment.p_offset + segment.p_filesz > end)
            end = segment.p_offset + segment.p_filesz;
    }
    end = (end + 7) & ~UINT64_C(7);
    static const Elf64_Shdr sections[2] = {[1] = {.sh_type = SHT_STRTAB}};
    header.e_shoff = end;
    header.e_shnum = 2;
    header.e_shstrndx = 1;
    rewind(file);
    if (fwrite(&header, sizeof header, 1, file) != 1 || fseek(file, (long)end, SEEK_SET) != 0 ||
        fwrite(sections, sizeof sections, 1, file) != 1 || fflush(file) != 0 ||
        ftruncate(fileno(file), (off_t)(end + sizeof sections)) != 0)
        stop("cannot write the kernel");
    return 0;
}
