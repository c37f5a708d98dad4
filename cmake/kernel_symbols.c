/* SPDX-License-Identifier: MIT */
/*
 * kernel_symbols KERNEL.elf: prints the compact symbol table of a linked kernel as assembler. Runs on
 * the host during the build: the kernel is linked once without the table and once with it.
 * src/parse/symbol_table.h has the format, and why the second link moves no symbol.
 *
 * A name begins as the one before it: functions of a file have a prefix in common. The rest is compressed by
 * byte-pair encoding: the most frequent pair of codes becomes one code from SYMBOL_LETTERS up, repeatedly. The end of a
 * name is a code too, so that frequent ends are cheap.
 */
#include "../src/parse/symbol_table.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_ 60

struct symbol {
    uint64_t address;
    uint16_t name[NAME_MAX_ + 1]; /* codes, the last for the end */
    size_t length;
    unsigned common; /* letters, which `name` no longer has */
    bool global;
};

static uint8_t *file;
static size_t file_size;
static struct symbol *symbols;
static size_t count;
static uint16_t pairs[SYMBOL_PAIRS][2];
static uint8_t stream[1 << 20];
static size_t stream_bits;

static void stop(const char *what)
{
    fprintf(stderr, "kernel_symbols: %s\n", what);
    exit(1);
}

static void read_file(const char *path)
{
    FILE *in = fopen(path, "rb");
    size_t room = 64 << 20;
    file = malloc(room);
    if (in == NULL || file == NULL)
        stop("cannot open the kernel");
    file_size = fread(file, 1, room, in);
    fclose(in);
    if (file_size < sizeof(Elf64_Ehdr) || file_size == room)
        stop("not a kernel");
}

static const void *at(uint64_t offset, uint64_t size)
{
    if (offset > file_size || size > file_size - offset)
        stop("the ELF file is cut");
    return file + offset;
}

static const Elf64_Shdr *section(unsigned n)
{
    const Elf64_Ehdr *e = at(0, sizeof *e);
    return at(e->e_shoff + n * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr));
}

static const Elf64_Shdr *find_symtab(void)
{
    const Elf64_Ehdr *e = at(0, sizeof *e);
    for (unsigned i = 0; i < e->e_shnum; i++)
        if (section(i)->sh_type == SHT_SYMTAB)
            return section(i);
    stop("no symbols in it");
    return NULL;
}

static uint64_t address_of(const char *name)
{
    const Elf64_Shdr *table = find_symtab(), *strings = section(table->sh_link);
    for (uint64_t i = 0; i < table->sh_size / sizeof(Elf64_Sym); i++) {
        const Elf64_Sym *s = at(table->sh_offset + i * sizeof *s, sizeof *s);
        if (strcmp(at(strings->sh_offset + s->st_name, 1), name) == 0)
            return s->st_value;
    }
    stop("a symbol of the linker script is missing");
    return 0;
}

static uint8_t code_of(char c)
{
    const char *at = memchr(symbol_letters, c, sizeof symbol_letters);
    if (at == NULL)
        stop("a symbol with a character that is no code");
    return (uint8_t)(at - symbol_letters);
}

static int by_address(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    if (x->global != y->global)
        return x->global ? -1 : 1;
    return memcmp(x->name, y->name, sizeof x->name);
}

/* Collects functions and assembler labels, or variables, in [start, end). */
static void collect(uint64_t start, uint64_t end)
{
    const Elf64_Shdr *table = find_symtab(), *strings = section(table->sh_link);
    uint64_t total = table->sh_size / sizeof(Elf64_Sym);
    symbols = calloc(total + 1, sizeof *symbols);
    count = 0;
    for (uint64_t i = 0; i < total; i++) {
        const Elf64_Sym *s = at(table->sh_offset + i * sizeof *s, sizeof *s);
        const char *name = at(strings->sh_offset + s->st_name, 1);
        unsigned type = ELF64_ST_TYPE(s->st_info);
        size_t length = strcspn(name, "."); /* without ".constprop.0" */
        if (s->st_value < start || s->st_value >= end || s->st_shndx == SHN_ABS || length == 0 ||
            (type != STT_FUNC && type != STT_OBJECT && type != STT_NOTYPE))
            continue;
        struct symbol *to = &symbols[count++];
        to->address = s->st_value;
        to->length = length < NAME_MAX_ ? length : NAME_MAX_;
        to->global = ELF64_ST_BIND(s->st_info) == STB_GLOBAL;
        for (size_t k = 0; k < to->length; k++)
            to->name[k] = code_of(name[k]);
        to->length++; /* the end: code 0 */
    }
    qsort(symbols, count, sizeof *symbols, by_address);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || symbols[i].address != symbols[i - 1].address)
            symbols[kept++] = symbols[i];
    count = kept;
}

#define COMMON_MIN 3 /* fewer letters cost less as codes */
#define COMMON_MAX ((1u << SYMBOL_COMMON_BITS) - 1)

/* Removes from each name what it has in common with the one before. */
static void find_common(void)
{
    uint16_t before[NAME_MAX_ + 1] = {0};
    for (size_t i = 0; i < count; i++) {
        struct symbol *s = &symbols[i];
        uint16_t name[NAME_MAX_ + 1] = {0};
        unsigned n = 0;
        memcpy(name, s->name, sizeof name);
        while (n < COMMON_MAX && name[n] != 0 && name[n] == before[n])
            n++;
        s->common = n < COMMON_MIN ? 0 : n;
        s->length -= s->common;
        memmove(s->name, s->name + s->common, s->length * sizeof s->name[0]);
        memcpy(before, name, sizeof before);
    }
}

static void replace(struct symbol *s, const uint16_t pair[2], unsigned by)
{
    size_t to = 0;
    for (size_t i = 0; i < s->length;) {
        if (i + 1 < s->length && s->name[i] == pair[0] && s->name[i + 1] == pair[1]) {
            s->name[to++] = (uint16_t)by;
            i += 2;
        } else {
            s->name[to++] = s->name[i++];
        }
    }
    s->length = to;
}

static void apply_pair(unsigned n)
{
    for (size_t i = 0; i < count; i++)
        replace(&symbols[i], pairs[n], SYMBOL_LETTERS + n);
}

/* The pair of codes from `k` on in a name, as a number. */
static unsigned pair_at(const struct symbol *s, size_t k)
{
    return (unsigned)s->name[k] << SYMBOL_CODE_BITS | s->name[k + 1];
}

static void choose_pairs(void)
{
    static uint32_t seen[1 << 2 * SYMBOL_CODE_BITS];
    for (unsigned n = 0; n < SYMBOL_PAIRS; n++) {
        unsigned best = 0;
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k + 1 < symbols[i].length; k++)
                if (++seen[pair_at(&symbols[i], k)] > seen[best])
                    best = pair_at(&symbols[i], k);
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k + 1 < symbols[i].length; k++)
                seen[pair_at(&symbols[i], k)] = 0;
        pairs[n][0] = (uint16_t)(best >> SYMBOL_CODE_BITS);
        pairs[n][1] = best & ((1u << SYMBOL_CODE_BITS) - 1);
        apply_pair(n);
    }
}

static void put_bits(unsigned value, unsigned bits)
{
    if (stream_bits / 8 + 8 > sizeof stream)
        stop("too many symbols");
    for (unsigned i = 0; i < bits; i++, stream_bits++)
        stream[stream_bits / 8] |= (uint8_t)((value >> i & 1) << stream_bits % 8);
}

static void print_bits(void)
{
    for (size_t i = 0; i < (stream_bits + 7) / 8; i++)
        printf("%s%u%s", i % 32 == 0 ? "    .byte " : ",", stream[i],
               i % 32 == 31 || i + 1 == (stream_bits + 7) / 8 ? "\n" : "");
    memset(stream, 0, sizeof stream);
    stream_bits = 0;
}

static void print_stream(const char *label, uint64_t base)
{
    uint64_t last = base;
    printf("%s:\n", label);
    for (size_t i = 0; i < count; i++) {
        const struct symbol *s = &symbols[i];
        for (uint64_t n = (s->address - last) >> SYMBOL_DISTANCE_BITS; n > 0; n--)
            put_bits(1, 1);
        put_bits(0, 1);
        put_bits((unsigned)(s->address - last) & ((1u << SYMBOL_DISTANCE_BITS) - 1),
                 SYMBOL_DISTANCE_BITS);
        put_bits(s->common > 0, 1);
        put_bits(s->common, s->common > 0 ? SYMBOL_COMMON_BITS : 0);
        for (size_t k = 0; k < s->length; k++)
            put_bits(s->name[k], SYMBOL_CODE_BITS);
        last = s->address;
    }
    print_bits();
}

static void print_pairs(void)
{
    for (unsigned n = 0; n < SYMBOL_PAIRS; n++) {
        put_bits(pairs[n][0], SYMBOL_CODE_BITS);
        put_bits(pairs[n][1], SYMBOL_CODE_BITS);
    }
    print_bits();
}

/* FNV-1a over the kernel without its table. */
static uint64_t build_id(void)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < file_size; i++)
        hash = (hash ^ file[i]) * UINT64_C(0x100000001b3);
    return hash;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        stop("usage: kernel_symbols KERNEL.elf");
    read_file(argv[1]);
    uint64_t text = address_of("init_text_start"), text_end = address_of("text_end");
    uint64_t data = address_of("ro_after_init_start"), data_end = address_of("data_end");
    collect(text, text_end);
    find_common();
    choose_pairs();
    printf("    .section .kernel_symbols, \"a\"\n    .globl kernel_symbols\n    .balign 8\n");
    printf("kernel_symbols:\n    .quad 0x%016llx\n", (unsigned long long)build_id());
    printf("    .long data_symbols - text_symbols, end_symbols - data_symbols\n");
    print_pairs();
    print_stream("text_symbols", text);
    collect(data, data_end);
    find_common();
    for (unsigned n = 0; n < SYMBOL_PAIRS; n++)
        apply_pair(n);
    print_stream("data_symbols", data);
    printf("end_symbols:\n    .zero %u\n    .section .note.GNU-stack, \"\", @progbits\n",
           SYMBOL_PADDING);
    return 0;
}
