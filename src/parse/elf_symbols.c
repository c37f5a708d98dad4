/* SPDX-License-Identifier: MIT */
#include "parse/elf_symbols.h"

#include "base/str.h"

enum {
    PT_LOAD = 1,
    PT_GNU_EH_FRAME = 0x6474e550,
    SHT_SYMTAB = 2,
    SHT_NOBITS = 8,
    SHT_DYNSYM = 11,
    SHF_ALLOC = 2,
    SHF_COMPRESSED = 0x800,
    STT_OBJECT = 1,
    STT_FUNC = 2,
    STT_GNU_IFUNC = 10,
    HEADERS_MAX = 256,     /* program or section headers that are read */
    SYMBOLS_MAX = 2000000, /* symbols that are read */
    CHUNK = 32,            /* symbols read at a time */
};

struct header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct header) == 64, "gABI 4");

struct program_header {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct program_header) == 56, "gABI 5");

struct section_header {
    uint32_t name, type;
    uint64_t flags, addr, offset, size;
    uint32_t link, info;
    uint64_t addralign, entsize;
};
_Static_assert(sizeof(struct section_header) == 64, "gABI 4");

struct symbol {
    uint32_t name;
    uint8_t info, other;
    uint16_t section;
    uint64_t value, size;
};
_Static_assert(sizeof(struct symbol) == 24, "gABI 4");

static bool read_header(const struct byte_reader *file, struct header *out)
{
    static const uint8_t magic[] = {0x7f, 'E', 'L', 'F', 2, 1};
    return byte_read(file, 0, out, sizeof *out) && memcmp(out->ident, magic, sizeof magic) == 0 &&
           out->phentsize == sizeof(struct program_header);
}

static bool read_section(const struct byte_reader *file, const struct header *h, unsigned n,
                         struct section_header *out)
{
    return n < h->shnum && n < HEADERS_MAX && h->shentsize == sizeof *out &&
           byte_read(file, h->shoff + n * sizeof *out, out, sizeof *out);
}

static bool read_program_header(const struct byte_reader *file, const struct header *h, unsigned n,
                                struct program_header *out)
{
    return n < h->phnum && n < HEADERS_MAX &&
           byte_read(file, h->phoff + n * sizeof *out, out, sizeof *out);
}

/* Reads single bytes, because the string may end where the file does. */
static void read_name(const struct byte_reader *file, uint64_t at, char *to)
{
    size_t n = 0;
    for (; n < ELF_NAME_SIZE - 1; n++) {
        char c;
        if (!byte_read(file, at + n, &c, 1) || c == '\0')
            break;
        to[n] = c > ' ' && c < 127 ? c : '?';
    }
    to[n] = '\0';
}

static bool names_a_thing(const struct symbol *s)
{
    unsigned type = s->info & 15;
    return (type == STT_FUNC || type == STT_OBJECT || type == 0 || type == STT_GNU_IFUNC) &&
           s->section != 0 && s->section < 0xff00 && s->name != 0;
}

static bool holds(const struct symbol *s, uint64_t address)
{
    return address - s->value < s->size;
}

/* True if `s` is a better name for the address than `best`: it contains the address and `best` does
 * not; it starts closer to the address; it has a type; it is not local; in this order. */
static bool is_better(const struct symbol *s, const struct symbol *best, uint64_t address)
{
    if (best->name == 0)
        return true;
    if (holds(s, address) != holds(best, address))
        return holds(s, address);
    if (s->value != best->value)
        return s->value > best->value;
    if ((s->info & 15) != 0 && (best->info & 15) == 0)
        return true;
    return (s->info >> 4) > (best->info >> 4);
}

static bool search_table(const struct byte_reader *file, const struct section_header *table,
                         uint64_t address, struct symbol *best)
{
    uint64_t count = table->size / sizeof(struct symbol);
    if (count > SYMBOLS_MAX)
        count = SYMBOLS_MAX;
    for (uint64_t i = 0; i < count; i += CHUNK) {
        struct symbol chunk[CHUNK];
        uint64_t n = count - i < CHUNK ? count - i : CHUNK;
        if (!byte_read(file, table->offset + i * sizeof *chunk, chunk, n * sizeof *chunk))
            break;
        for (uint64_t k = 0; k < n; k++)
            if (chunk[k].value <= address && names_a_thing(&chunk[k]) &&
                is_better(&chunk[k], best, address))
                *best = chunk[k];
    }
    /* A symbol that ends before the address does not name it. */
    return best->name != 0 && (best->size == 0 || holds(best, address));
}

static bool in_section(const struct byte_reader *file, const struct header *h, unsigned n,
                       uint64_t address)
{
    struct section_header s;
    return read_section(file, h, n, &s) && address >= s.addr && address - s.addr < s.size;
}

bool elf_symbol_at(const struct byte_reader *file, uint64_t address, struct elf_name *out)
{
    struct header h;
    struct section_header table, strings;
    if (!read_header(file, &h))
        return false;
    for (uint32_t type = SHT_SYMTAB; type != 0; type = type == SHT_SYMTAB ? SHT_DYNSYM : 0) {
        for (unsigned i = 0; read_section(file, &h, i, &table); i++) {
            struct symbol best = {0};
            if (table.type != type || !read_section(file, &h, table.link, &strings) ||
                !search_table(file, &table, address, &best))
                continue;
            if (best.size == 0 && !in_section(file, &h, best.section, address))
                return false;
            out->start = best.value;
            out->size = best.size;
            read_name(file, strings.offset + best.name, out->text);
            return out->text[0] != '\0';
        }
    }
    return false;
}

bool elf_section_at(const struct byte_reader *file, uint64_t address, struct elf_name *out)
{
    struct header h;
    struct section_header s, strings;
    if (!read_header(file, &h) || !read_section(file, &h, h.shstrndx, &strings))
        return false;
    for (unsigned i = 0; read_section(file, &h, i, &s); i++) {
        if (!(s.flags & SHF_ALLOC) || address < s.addr || address - s.addr >= s.size)
            continue;
        out->start = s.addr;
        out->size = s.size;
        read_name(file, strings.offset + s.name, out->text);
        return true;
    }
    return false;
}

static bool part_at(const struct byte_reader *file, uint64_t at, bool by_offset,
                    struct elf_part *out)
{
    struct header h;
    struct program_header p;
    if (!read_header(file, &h))
        return false;
    for (unsigned i = 0; read_program_header(file, &h, i, &p); i++) {
        /* A mapping starts at the page that the segment starts in. */
        uint64_t slack = p.vaddr & 4095;
        uint64_t start = (by_offset ? p.offset : p.vaddr) - slack;
        uint64_t size = slack + (by_offset ? p.filesz : p.memsz);
        if (p.type != PT_LOAD || at < start || at - start >= size)
            continue;
        *out = (struct elf_part){i, p.vaddr, p.memsz, p.offset, p.filesz};
        return true;
    }
    return false;
}

bool elf_part_at_offset(const struct byte_reader *file, uint64_t offset, struct elf_part *out)
{
    return part_at(file, offset, true, out);
}

bool elf_part_at_address(const struct byte_reader *file, uint64_t address, struct elf_part *out)
{
    return part_at(file, address, false, out);
}

bool elf_section_named(const struct byte_reader *file, const char *wanted, struct elf_span *out)
{
    struct header h;
    struct section_header s, strings;
    char name[ELF_NAME_SIZE];
    if (!read_header(file, &h) || !read_section(file, &h, h.shstrndx, &strings))
        return false;
    for (unsigned i = 0; read_section(file, &h, i, &s); i++) {
        read_name(file, strings.offset + s.name, name);
        if (s.type == SHT_NOBITS || s.flags & SHF_COMPRESSED || strcmp(name, wanted) != 0)
            continue;
        *out = (struct elf_span){s.addr, s.offset, s.size};
        return true;
    }
    return false;
}

bool elf_unwind_tables(const struct byte_reader *file, struct elf_unwind *out)
{
    struct header h;
    struct program_header p;
    struct elf_span frames = {0};
    *out = (struct elf_unwind){0};
    if (!read_header(file, &h))
        return false;
    for (unsigned i = 0; read_program_header(file, &h, i, &p); i++) {
        if (p.type == PT_GNU_EH_FRAME) {
            out->header = p.vaddr;
            out->header_size = p.memsz;
        }
    }
    if (elf_section_named(file, ".eh_frame", &frames)) {
        out->frames = frames.address;
        out->frames_size = frames.size;
    }
    return out->header_size != 0 || out->frames_size != 0;
}
