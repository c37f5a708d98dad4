/* SPDX-License-Identifier: MIT */
/* An array sorted by address; a lookup is a binary search. */
#include "report/symbols.h"
#include "host/text.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_MASK UINT64_C(0xfff)

static int by_start(const void *a, const void *b)
{
    uint64_t x = ((const struct symbol *)a)->start, y = ((const struct symbol *)b)->start;
    return x < y ? -1 : x > y;
}

static void add_section(struct symbols *out, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    GElf_Sym s;
    for (int i = 0; data && gelf_getsym(data, i, &s); i++) {
        const char *name = elf_strptr(elf, header->sh_link, s.st_name);
        unsigned type = GELF_ST_TYPE(s.st_info); /* assembler labels have no type */
        bool code = type == STT_FUNC || type == STT_NOTYPE;
        if (!code || s.st_shndx == SHN_UNDEF || s.st_shndx >= SHN_LORESERVE || !name || !*name)
            continue;
        out->item = memory_resize(out->item, (out->count + 1) * sizeof(*out->item));
        out->item[out->count++] =
            (struct symbol){s.st_value, s.st_value + s.st_size, string_copy(name)};
    }
}

static void read_symbols(struct symbols *out, Elf *elf)
{
    static const unsigned tables[] = {SHT_SYMTAB, SHT_DYNSYM};
    for (size_t t = 0; t < 2 && out->count == 0; t++) {
        Elf_Scn *section = NULL;
        GElf_Shdr header;
        while ((section = elf_nextscn(elf, section)))
            if (gelf_getshdr(section, &header) && header.sh_type == tables[t])
                add_section(out, elf, section, &header);
    }
    if (out->count > 0)
        qsort(out->item, out->count, sizeof(*out->item), by_start);
    /* Assembler labels have no size: they extend to the next symbol. */
    for (size_t i = 0; i + 1 < out->count; i++)
        if (out->item[i].end == out->item[i].start)
            out->item[i].end = out->item[i + 1].start;
}

static void read_lowest(struct symbols *out, Elf *elf)
{
    GElf_Phdr header;
    size_t count = 0;
    if (elf_getphdrnum(elf, &count) != 0)
        return;
    out->lowest = UINT64_MAX;
    for (size_t i = 0; i < count; i++)
        if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD &&
            header.p_vaddr < out->lowest)
            out->lowest = header.p_vaddr & ~PAGE_MASK;
}

void symbols_read(struct symbols *out, const char *file)
{
    *out = (struct symbols){0};
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    if (elf && elf_kind(elf) == ELF_K_ELF) {
        read_symbols(out, elf);
        read_lowest(out, elf);
    }
    elf_end(elf);
    close(fd);
}

const char *symbols_find(const struct symbols *symbols, uint64_t address)
{
    size_t low = 0, high = symbols->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (symbols->item[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && address < symbols->item[low - 1].end ? symbols->item[low - 1].name : NULL;
}

void symbols_free(struct symbols *symbols)
{
    for (size_t i = 0; i < symbols->count; i++)
        free(symbols->item[i].name);
    free(symbols->item);
    *symbols = (struct symbols){0};
}
