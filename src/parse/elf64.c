/* SPDX-License-Identifier: MIT */
/*
 * The checks follow the order of the file; nothing is used before it is checked:
 *
 *   1. identification: magic, class, byte order, version, kind of file, machine
 *   2. the table of program headers lies in the file
 *   3. each PT_LOAD: sizes, range in the file, range in memory, offset = address modulo PAGE_SIZE
 *   4. all PT_LOAD together: sorted, disjoint, and no page belongs to two
 *   5. what else the loader needs: interpreter, entry point, address of the program headers
 *
 * Two segments may share a page if both map the same page of the file there. Linux maps them in
 * order, so the page gets the permissions of the later one; here the earlier segment is cut at that
 * page, with the same result.
 */
#include "parse/elf64.h"

#include "base/addr.h"
#include "base/checked.h"
#include "base/str.h"

#include <stddef.h>

/* gABI chapter 4, "ELF Header", and chapter 5, "Program Header". */
struct file_header {
    uint8_t magic[4], class, data, version, osabi, padding[8];
    uint16_t type, machine;
    uint32_t version2;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct program_header {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

_Static_assert(sizeof(struct file_header) == 64 && sizeof(struct program_header) == 56, "gABI");

enum {
    CLASS_32 = 1,
    CLASS_64 = 2,
    DATA_LITTLE = 1,
    VERSION_CURRENT = 1,
    TYPE_RELOCATABLE = 1,
    TYPE_EXECUTABLE = 2,
    TYPE_DYNAMIC = 3,
    TYPE_CORE = 4,
    MACHINE_X86_64 = 62,
    PHNUM_EXTENDED = 0xffff, /* PN_XNUM: the number is in a section header */
    PT_LOAD = 1,
    PT_INTERP = 3,
    FLAG_EXECUTE = 1,
    FLAG_WRITE = 2,
    FLAG_READ = 4,
};

#define MAGIC        UINT32_C(0x464c457f)
#define PT_GNU_STACK UINT32_C(0x6474e551)
#define PT_GNU_RELRO UINT32_C(0x6474e552)

/* Linux accepts at most 64 KiB of program headers, and maps nothing below vm.mmap_min_addr. */
#define PROGRAM_HEADERS_MAX_BYTES 65536
#define LOWEST_ADDRESS            UINT64_C(0x10000)

struct reader {
    const uint8_t *file;
    uint64_t size;
    uint64_t limit; /* page-aligned */
    struct file_header header;
    struct elf64_image *out;
    struct parse_fault *fault;
    bool have_interpreter;
};

static enum err elf64_refuse(struct reader *r, uint64_t offset, const char *what)
{
    *r->fault = (struct parse_fault){offset, what};
    return E_NOEXEC;
}

#define AT(member) offsetof(struct file_header, member)

/* All of check 1 in one expression: as branches it would be a sixth of the blocks that an emulator
 * translates for this file. */
static bool is_sound(const struct file_header *h)
{
    uint32_t magic;
    memcpy(&magic, h->magic, sizeof magic);
    return ((magic ^ MAGIC) | (uint32_t)(h->class ^ CLASS_64) | (uint32_t)(h->data ^ DATA_LITTLE) |
            (uint32_t)(h->version ^ VERSION_CURRENT) | (h->version2 ^ VERSION_CURRENT) |
            (uint32_t)(h->machine ^ MACHINE_X86_64) |
            (uint32_t)((h->type | 1) ^ (TYPE_EXECUTABLE | TYPE_DYNAMIC))) == 0;
}

static MUST_CHECK enum err check_identification(struct reader *r)
{
    const struct file_header *h = &r->header;
    uint64_t have = r->size < sizeof *h ? r->size : sizeof *h;
    if (r->size == 0)
        return elf64_refuse(r, 0, "the file is empty");
    memcpy(&r->header, r->file, have);
    if (have == sizeof *h && is_sound(h))
        return E_OK;
    if (have < sizeof h->magic || memcmp(h->magic, "\177ELF", sizeof h->magic) != 0)
        return elf64_refuse(r, 0, "not an ELF file");
    if (have < sizeof *h)
        return elf64_refuse(r, have, "the file ends within the ELF header");
    if (h->class == CLASS_32 && h->machine != MACHINE_X86_64)
        return elf64_refuse(r, AT(class), "a 32-bit program, made for another machine");
    if (h->class != CLASS_64)
        return elf64_refuse(r, AT(class), "not a 64-bit program");
    if (h->data != DATA_LITTLE)
        return elf64_refuse(r, AT(data), "not little-endian, made for another machine");
    if (h->version != VERSION_CURRENT || h->version2 != VERSION_CURRENT)
        return elf64_refuse(r, AT(version), "an unknown version of ELF");
    if (h->machine != MACHINE_X86_64)
        return elf64_refuse(r, AT(machine), "made for another machine");
    if (h->type == TYPE_RELOCATABLE)
        return elf64_refuse(r, AT(type), "an object file that was not linked yet");
    if (h->type == TYPE_CORE)
        return elf64_refuse(r, AT(type), "a core dump, not a program");
    if (h->type != TYPE_EXECUTABLE && h->type != TYPE_DYNAMIC)
        return elf64_refuse(r, AT(type), "an unknown type of ELF file");
    return E_OK;
}

static MUST_CHECK enum err check_table(struct reader *r)
{
    const struct file_header *h = &r->header;
    if (h->phnum == 0)
        return elf64_refuse(r, AT(phnum), "no program headers");
    if (h->phentsize != sizeof(struct program_header))
        return elf64_refuse(r, AT(phentsize), "program headers of a wrong size");
    if (h->phnum == PHNUM_EXTENDED ||
        h->phnum * sizeof(struct program_header) > PROGRAM_HEADERS_MAX_BYTES)
        return elf64_refuse(r, AT(phnum), "too many program headers");
    if (!checked_span(h->phoff, h->phnum * sizeof(struct program_header), r->size))
        return elf64_refuse(r, AT(phoff), "the file ends before or within the program headers");
    return E_OK;
}

static uint64_t header_offset(const struct reader *r, uint16_t index)
{
    return r->header.phoff + index * sizeof(struct program_header);
}

static struct program_header program_header(const struct reader *r, uint16_t index)
{
    struct program_header p;
    memcpy(&p, r->file + header_offset(r, index), sizeof p);
    return p;
}

/* Keeps the list sorted; equal addresses stay in the order of the file. */
static void insert_segment(struct elf64_image *out, const struct elf64_segment *s)
{
    uint32_t at = out->segment_count++;
    for (; at > 0 && out->segments[at - 1].address > s->address; at--)
        out->segments[at] = out->segments[at - 1];
    out->segments[at] = *s;
}

static MUST_CHECK enum err add_segment(struct reader *r, uint64_t where,
                                       const struct program_header *p)
{
    uint64_t end;
    if (p->filesz > p->memsz)
        return elf64_refuse(r, where, "a segment is larger in the file than in memory");
    if (p->memsz == 0)
        return E_OK;
    if (p->filesz != 0 && !checked_span(p->offset, p->filesz, r->size))
        return elf64_refuse(r, where, "the file ends before or within a segment: it is truncated");
    if (p->filesz != 0 && !is_aligned(p->offset - p->vaddr, PAGE_SIZE))
        return elf64_refuse(r, where, "a segment's offset and address disagree within the page");
    if (!checked_add(p->vaddr, p->memsz, &end) || end > r->limit)
        return elf64_refuse(r, where, "a segment lies beyond the program's addresses");
    if (!r->out->position_independent && p->vaddr < LOWEST_ADDRESS)
        return elf64_refuse(r, where, "the program wants to be loaded below 64 KiB");
    if (r->out->segment_count == ELF64_SEGMENTS_MAX)
        return elf64_refuse(r, where, "more than 64 segments");

    struct elf64_segment s = {
        .address = p->vaddr,
        .memory_size = p->memsz,
        .offset = p->filesz != 0 ? p->offset : 0,
        .file_size = p->filesz,
        .read = p->flags & FLAG_READ,
        .write = p->flags & FLAG_WRITE,
        .execute = p->flags & FLAG_EXECUTE,
    };
    insert_segment(r->out, &s);

    if (p->align > r->out->alignment && is_aligned(p->align, p->align))
        r->out->alignment = p->align;

    /* AT_PHDR is found by the file offset of the table, as on Linux. */
    if (r->out->phdr_address == 0 && p->offset <= r->header.phoff &&
        checked_span(r->header.phoff - p->offset, r->header.phnum * sizeof(struct program_header),
                     p->filesz))
        r->out->phdr_address = p->vaddr + (r->header.phoff - p->offset);
    return E_OK;
}

static MUST_CHECK enum err add_interpreter(struct reader *r, uint64_t where,
                                           const struct program_header *p)
{
    if (r->have_interpreter)
        return E_OK; /* Linux uses the first */
    if (p->filesz < 2 || p->filesz > sizeof r->out->interpreter)
        return elf64_refuse(r, where, "the interpreter's name is empty or longer than 255 bytes");
    if (!checked_span(p->offset, p->filesz, r->size))
        return elf64_refuse(r, where, "the interpreter's name lies outside of the file");
    const char *name = (const char *)r->file + p->offset;
    if (name[p->filesz - 1] != '\0' || name[0] == '\0')
        return elf64_refuse(r, p->offset, "the interpreter's name is empty or does not end");
    memcpy(r->out->interpreter, name, p->filesz);
    r->have_interpreter = true;
    return E_OK;
}

static void add_relro(struct reader *r, const struct program_header *p)
{
    uint64_t end;
    if (checked_add(p->vaddr, p->memsz, &end) && end <= r->limit && p->memsz != 0) {
        r->out->relro_start = p->vaddr;
        r->out->relro_end = end;
    }
}

static MUST_CHECK enum err read_program_headers(struct reader *r)
{
    for (uint16_t i = 0; i < r->header.phnum; i++) {
        struct program_header p = program_header(r, i);
        enum err e = E_OK;
        if (p.type == PT_LOAD)
            e = add_segment(r, header_offset(r, i), &p);
        else if (p.type == PT_INTERP)
            e = add_interpreter(r, header_offset(r, i), &p);
        else if (p.type == PT_GNU_STACK)
            r->out->executable_stack = p.flags & FLAG_EXECUTE;
        else if (p.type == PT_GNU_RELRO)
            add_relro(r, &p);
        if (e != E_OK)
            return e;
    }
    if (r->out->segment_count == 0)
        return elf64_refuse(r, r->header.phoff, "nothing to load");
    return E_OK;
}

/* True if both segments map the same page of the file where they meet, without bss in it. */
static bool same_file_page(const struct elf64_segment *a, const struct elf64_segment *b)
{
    return a->file_size == a->memory_size && b->file_size != 0 &&
           a->offset - a->address == b->offset - b->address;
}

static MUST_CHECK enum err separate_segments(struct reader *r)
{
    struct elf64_image *out = r->out;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < out->segment_count; i++) {
        struct elf64_segment next = out->segments[i];
        uint64_t page = align_down(next.address, PAGE_SIZE);
        while (kept > 0) {
            struct elf64_segment *last = &out->segments[kept - 1];
            if (last->address + last->memory_size <= page)
                break;
            if (last->address + last->memory_size > next.address)
                return elf64_refuse(r, r->header.phoff, "two segments overlap");
            if (!same_file_page(last, &next))
                return elf64_refuse(r, r->header.phoff, "two segments share a page");
            if (last->address < page) {
                last->memory_size = last->file_size = page - last->address;
                break;
            }
            kept--;
        }
        out->segments[kept++] = next;
    }
    out->segment_count = kept;
    out->start = align_down(out->segments[0].address, PAGE_SIZE);
    out->end =
        align_up(out->segments[kept - 1].address + out->segments[kept - 1].memory_size, PAGE_SIZE);
    return E_OK;
}

/* By pages, because all of an executable page can be executed. */
static MUST_CHECK enum err check_entry(struct reader *r)
{
    struct elf64_image *out = r->out;
    out->entry = r->header.entry;
    if (out->position_independent && out->entry == 0)
        return elf64_refuse(r, AT(entry), "a shared library, not a program");
    for (uint32_t i = 0; i < out->segment_count; i++) {
        const struct elf64_segment *s = &out->segments[i];
        struct virt_range pages = virt_range(align_down(s->address, PAGE_SIZE),
                                             align_up(s->address + s->memory_size, PAGE_SIZE));
        if (s->execute && virt_range_contains(pages, virt(out->entry)))
            return E_OK;
    }
    return elf64_refuse(r, AT(entry), "the entry point lies in no executable segment");
}

enum err elf64_parse(const void *file, uint64_t size, uint64_t address_limit,
                     struct elf64_image *out, struct parse_fault *fault)
{
    struct reader r = {
        .file = file,
        .size = size,
        .limit = align_down(address_limit, PAGE_SIZE),
        .out = out,
        .fault = fault,
    };
    memset(out, 0, sizeof *out);
    enum err e = check_identification(&r);
    if (e == E_OK)
        e = check_table(&r);
    if (e != E_OK)
        return e;
    out->position_independent = r.header.type == TYPE_DYNAMIC;
    out->phdr_count = r.header.phnum;
    out->alignment = PAGE_SIZE;
    e = read_program_headers(&r);
    if (e == E_OK)
        e = separate_segments(&r);
    if (e == E_OK)
        e = check_entry(&r);
    return e;
}
