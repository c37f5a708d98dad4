/* SPDX-License-Identifier: MIT */
/*
 * Three sections: facts (the report's JSON, the page tables), notes (registers, auxiliary vector,
 * mapped files), and the file itself. The report is not trusted: absent fields are 0.
 */
#include "machine/core.h"
#include "base/compiler.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/json.h"
#include "host/path.h"
#include "machine/gdb_remote.h"

#include <assert.h>
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/user.h>
#include <unistd.h>

#define PAGE            4096u
#define RANGES_MAX      60000 /* e_phnum has 16 bits */
#define USER_CS         0x33  /* as on Linux; for gdb it means 64-bit code */
#define USER_SS         0x2b
#define PROGRAM_START   0x10000u /* nothing is mapped below */
#define PROGRAM_END     UINT64_C(0x800000000000)
#define REGISTERS_X87   (16 * 8 + 8 + 4 + 6 * 4 + 9 * 8) /* offsets in QEMU's register packet */
#define REGISTERS_CTRL  (REGISTERS_X87 + 8 * 10)
#define REGISTERS_XMM   (REGISTERS_CTRL + 8 * 4)
#define REGISTERS_MXCSR (REGISTERS_XMM + 16 * 16)

struct range {
    uint64_t start, end;
    uint32_t flags; /* PF_ */
};

struct module {
    uint64_t start, end, bias;
    char path[PATH_MAX];
    const struct entry *entry;
    const Elf64_Ehdr *header; /* the mapped file; NULL: unknown or not ELF */
    size_t size;
};

struct core {
    const struct core_source *source;
    struct json report;
    struct range *range;
    size_t range_count;
    struct module *module;
    size_t module_count;
    struct text registers; /* QEMU's */
    struct text state;     /* what QEMU's monitor says of them */
    struct text notes;
};

/* --- facts --- */

static uint64_t number_at(struct json object, const char *key)
{
    struct json value;
    char text[24];
    size_t size;
    if (!json_member(object, key, &value))
        return 0;
    size = (size_t)(value.end - value.at);
    if (size >= sizeof(text))
        return 0;
    memcpy(text, value.at, size);
    text[size] = '\0';
    return strtoull(text, NULL, 10);
}

static uint64_t address_at(struct json object, const char *key)
{
    struct json value;
    uint64_t address = 0;
    if (json_member(object, key, &value))
        json_address(value, &address);
    return address;
}

static bool is_code(const struct core *c, uint64_t start)
{
    for (size_t i = 0; i < c->module_count; i++)
        if (start >= c->module[i].start && start < c->module[i].end)
            return true;
    return false;
}

static void map_header(struct module *m)
{
    struct stat st;
    int fd = m->entry && m->entry->source ? open(m->entry->source, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && (size_t)st.st_size > sizeof(Elf64_Ehdr)) {
        Elf64_Ehdr *header = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        size_t room = (size_t)st.st_size;
        if (header != MAP_FAILED && memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
            header->e_phentsize == sizeof(Elf64_Phdr) && header->e_phoff <= room &&
            header->e_phnum * sizeof(Elf64_Phdr) <= room - header->e_phoff &&
            header->e_phoff % 8 == 0) {
            m->header = header;
            m->size = room;
        }
    }
    close(fd);
}

static const Elf64_Phdr *headers_of(const struct module *m)
{
    return (const void *)((const char *)m->header + m->header->e_phoff);
}

static void read_modules(struct core *c)
{
    struct json modules, item = {0}, value;
    if (!json_member(c->report, "modules", &modules))
        return;
    while (json_item(modules, &item)) {
        c->module = memory_resize(c->module, (c->module_count + 1) * sizeof(*c->module));
        struct module *m = &c->module[c->module_count];
        *m = (struct module){.start = address_at(item, "start"),
                             .end = address_at(item, "end"),
                             .bias = address_at(item, "bias")};
        if (!json_member(item, "path", &value) || !json_string(value, m->path, sizeof(m->path)))
            continue;
        m->entry = m->path[0] == '/' ? tree_follow(c->source->tree, m->path) : NULL;
        map_header(m);
        c->module_count++;
    }
}

/* Reads the mapped ranges from QEMU's `info mem`:
 * "0000000000400000-0000000000401000 0000000000001000 -r-". */
static bool read_ranges(struct core *c, int fd)
{
    struct text all = {0};
    bool good = gdb_remote_monitor(fd, "info mem", &all);
    for (char *line = all.bytes; good && line && *line;
         line = strchr(line, '\n'), line += line != NULL) {
        unsigned long long start, end, size;
        char rights[8];
        if (sscanf(line, "%llx-%llx %llx %7s", &start, &end, &size, rights) != 4 || start >= end ||
            start < PROGRAM_START || end > PROGRAM_END || c->range_count == RANGES_MAX)
            continue;
        uint32_t flags = PF_R | (strchr(rights, 'w') ? PF_W : 0) | (is_code(c, start) ? PF_X : 0);
        c->range = memory_resize(c->range, (c->range_count + 1) * sizeof(*c->range));
        c->range[c->range_count++] = (struct range){start, end, flags};
    }
    text_free(&all);
    return good && c->range_count > 0;
}

/* --- notes --- */

static void pad(struct text *out, size_t to)
{
    while (out->length % to != 0)
        text_add(out, "", 1);
}

static void add_note(struct core *c, uint32_t type, const void *bytes, size_t size)
{
    const Elf64_Nhdr header = {sizeof("CORE"), (uint32_t)size, type};
    text_add(&c->notes, &header, sizeof(header));
    text_add(&c->notes, "CORE", sizeof("CORE"));
    pad(&c->notes, 4);
    text_add(&c->notes, bytes, size);
    pad(&c->notes, 4);
}

static void add_process(struct core *c)
{
    struct elf_prpsinfo info = {.pr_sname = 'R', .pr_pid = 1, .pr_pgrp = 1, .pr_sid = 1};
    snprintf(info.pr_fname, sizeof(info.pr_fname), "%s", path_base(c->source->place));
    snprintf(info.pr_psargs, sizeof(info.pr_psargs), "%s", c->source->place);
    add_note(c, NT_PRPSINFO, &info, sizeof(info));
}

/* `thread`: the report itself for the thread that crashed, or an item of its `threads`. */
static void add_thread(struct core *c, struct json thread, bool has_vectors)
{
    struct json registers = {0};
    struct elf_prstatus status = {0};
    struct user_regs_struct r = {0};
    json_member(thread, "registers", &registers);
    const struct {
        const char *name;
        unsigned long long *to;
    } rows[] = {
        {"r15", &r.r15}, {"r14", &r.r14},    {"r13", &r.r13},       {"r12", &r.r12},
        {"rbp", &r.rbp}, {"rbx", &r.rbx},    {"r11", &r.r11},       {"r10", &r.r10},
        {"r9", &r.r9},   {"r8", &r.r8},      {"rax", &r.rax},       {"rcx", &r.rcx},
        {"rdx", &r.rdx}, {"rsi", &r.rsi},    {"rdi", &r.rdi},       {"rip", &r.rip},
        {"rsp", &r.rsp}, {"fs", &r.fs_base}, {"rflags", &r.eflags},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
        *rows[i].to = address_at(registers, rows[i].name);
    r.orig_rax = UINT64_MAX; /* not in a system call */
    r.cs = USER_CS;
    r.ss = USER_SS;
    status.pr_info.si_signo = (int)number_at(c->report, "signal_number");
    status.pr_cursig = (short)status.pr_info.si_signo;
    status.pr_pid = (int)number_at(thread, "thread");
    status.pr_fpvalid = has_vectors;
    static_assert(sizeof(status.pr_reg) == sizeof(r), "the registers of a core are the kernel's");
    memcpy(&status.pr_reg, &r, sizeof(r));
    add_note(c, NT_PRSTATUS, &status, sizeof(status));
}

/* A core file has the registers from the top of the stack. Those of QEMU's packet are in another order since some version,
 * and without tags; the monitor prints them by number: "FTW=80 ... FPR7=c90fdaa22168c235 4000". */
static void add_x87(const struct core *c, struct user_fpregs_struct *f)
{
    const char *tags = strstr(c->state.bytes, "FTW=");
    f->ftw = tags ? (uint16_t)strtoul(tags + strlen("FTW="), NULL, 16) : 0;
    for (unsigned i = 0; i < 8; i++) {
        char name[8];
        unsigned long long mantissa;
        unsigned exponent;
        snprintf(name, sizeof(name), "FPR%u=", ((f->swd >> 11) + i) & 7);
        const char *value = strstr(c->state.bytes, name);
        if (!value || sscanf(value + strlen(name), "%16llx %4x", &mantissa, &exponent) != 2)
            continue;
        memcpy(f->st_space + 4 * i, &mantissa, sizeof(mantissa));
        f->st_space[4 * i + 2] = exponent;
    }
}

static void add_fpu(struct core *c)
{
    struct user_fpregs_struct f = {0};
    uint32_t control[8];
    if (c->registers.length < REGISTERS_MXCSR + 4)
        return;
    const char *from = c->registers.bytes;
    memcpy(control, from + REGISTERS_CTRL, sizeof(control));
    f.cwd = (uint16_t)control[0];
    f.swd = (uint16_t)control[1];
    add_x87(c, &f);
    memcpy(f.xmm_space, from + REGISTERS_XMM, sizeof(f.xmm_space));
    memcpy(&f.mxcsr, from + REGISTERS_MXCSR, sizeof(f.mxcsr));
    add_note(c, NT_FPREGSET, &f, sizeof(f));
}

/* Threads that were not running. Their FPU registers are in kernel memory and are left out. */
static void add_other_threads(struct core *c)
{
    struct json threads, item = {0};
    if (json_member(c->report, "threads", &threads))
        while (json_item(threads, &item))
            add_thread(c, item, false);
}

static const struct module *module_of(const struct core *c, const struct entry *entry)
{
    for (size_t i = 0; i < c->module_count; i++)
        if (entry && c->module[i].entry == entry && c->module[i].header)
            return &c->module[i];
    return NULL;
}

/* The module of the program's interpreter; NULL: none. */
static const struct module *interpreter_of(const struct core *c, const struct module *program)
{
    const Elf64_Phdr *p = headers_of(program);
    for (size_t i = 0; i < program->header->e_phnum; i++) {
        const char *name = (const char *)program->header + p[i].p_offset;
        if (p[i].p_type != PT_INTERP || p[i].p_offset > program->size ||
            p[i].p_filesz > program->size - p[i].p_offset || p[i].p_filesz == 0 ||
            name[p[i].p_filesz - 1] != '\0')
            continue;
        char *place = path_normalise(name);
        const struct module *found = module_of(c, tree_follow(c->source->tree, place));
        free(place);
        return found;
    }
    return NULL;
}

/* The part of the auxiliary vector that a debugger reads, reconstructed from the packed files. */
static void add_auxv(struct core *c)
{
    const struct module *program = module_of(c, tree_follow(c->source->tree, c->source->place));
    if (!program)
        return;
    const struct module *interpreter = interpreter_of(c, program);
    const Elf64_Phdr *p = headers_of(program);
    uint64_t first = program->bias + program->header->e_phoff;
    for (size_t i = 0; i < program->header->e_phnum; i++)
        if (p[i].p_type == PT_LOAD && program->header->e_phoff >= p[i].p_offset &&
            program->header->e_phoff - p[i].p_offset < p[i].p_filesz)
            first = program->bias + p[i].p_vaddr + (program->header->e_phoff - p[i].p_offset);
    const uint64_t vector[][2] = {
        {AT_PHDR, first},
        {AT_PHENT, sizeof(Elf64_Phdr)},
        {AT_PHNUM, program->header->e_phnum},
        {AT_PAGESZ, PAGE},
        {AT_BASE, interpreter ? interpreter->bias : 0},
        {AT_ENTRY, program->bias + program->header->e_entry},
        {AT_NULL, 0},
    };
    add_note(c, NT_AUXV, vector, sizeof(vector));
}

/* The file offset of a mapping, in pages, from its segment. */
static uint64_t offset_of(const struct module *m)
{
    const Elf64_Phdr *p = headers_of(m);
    uint64_t address = m->start - m->bias;
    for (size_t i = 0; i < m->header->e_phnum; i++)
        if (p[i].p_type == PT_LOAD && address >= p[i].p_vaddr / PAGE * PAGE &&
            address < p[i].p_vaddr + p[i].p_memsz)
            return (address - p[i].p_vaddr / PAGE * PAGE + p[i].p_offset / PAGE * PAGE) / PAGE;
    return 0;
}

static void add_files(struct core *c)
{
    struct text rows = {0}, names = {0}, all = {0};
    uint64_t head[2] = {0, PAGE};
    for (size_t i = 0; i < c->module_count; i++) {
        const struct module *m = &c->module[i];
        if (!m->header)
            continue;
        const uint64_t row[3] = {m->start, m->end, offset_of(m)};
        text_add(&rows, row, sizeof(row));
        text_add(&names, m->path, strlen(m->path) + 1);
        head[0]++;
    }
    text_add(&all, head, sizeof(head));
    text_add(&all, rows.bytes, rows.length);
    text_add(&all, names.bytes, names.length);
    add_note(c, NT_FILE, all.bytes, all.length);
    text_free(&rows);
    text_free(&names);
    text_free(&all);
}

/* --- the file --- */

static void write_headers(const struct core *c, FILE *out)
{
    size_t count = c->range_count + 1;
    uint64_t at = sizeof(Elf64_Ehdr) + count * sizeof(Elf64_Phdr);
    Elf64_Ehdr header = {.e_type = ET_CORE,
                         .e_machine = EM_X86_64,
                         .e_version = EV_CURRENT,
                         .e_phoff = sizeof(header),
                         .e_ehsize = sizeof(header),
                         .e_phentsize = sizeof(Elf64_Phdr),
                         .e_phnum = (uint16_t)count};
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    fwrite(&header, sizeof(header), 1, out);
    Elf64_Phdr p = {.p_type = PT_NOTE, .p_offset = at, .p_filesz = c->notes.length, .p_align = 4};
    fwrite(&p, sizeof(p), 1, out);
    at += c->notes.length;
    for (size_t i = 0; i < c->range_count; i++) {
        const struct range *r = &c->range[i];
        at = (at + PAGE - 1) / PAGE * PAGE;
        p = (Elf64_Phdr){.p_type = PT_LOAD,
                         .p_flags = r->flags,
                         .p_offset = at,
                         .p_vaddr = r->start,
                         .p_filesz = r->end - r->start,
                         .p_memsz = r->end - r->start,
                         .p_align = PAGE};
        fwrite(&p, sizeof(p), 1, out);
        at += p.p_filesz;
    }
    fwrite(c->notes.bytes, c->notes.length, 1, out);
}

static bool write_memory(const struct core *c, int fd, FILE *out)
{
    struct text piece = {0};
    bool good = true;
    for (size_t i = 0; i < c->range_count && good; i++) {
        off_t at = ftello(out);
        good = fseeko(out, (at + PAGE - 1) / PAGE * PAGE, SEEK_SET) == 0;
        for (uint64_t a = c->range[i].start; good && a < c->range[i].end;
             a += GDB_REMOTE_READ_MAX) {
            piece.length = 0;
            good = gdb_remote_read(fd, a, GDB_REMOTE_READ_MAX, &piece) &&
                   fwrite(piece.bytes, piece.length, 1, out) == 1;
        }
    }
    text_free(&piece);
    return good;
}

static const char *write_file(struct core *c, int fd, const char *path)
{
    struct json kind;
    char text[8];
    if (!json_member(c->report, "kind", &kind) || !json_string(kind, text, sizeof(text)) ||
        strcmp(text, "crash") != 0)
        return "the kernel failed, not the program";
    read_modules(c);
    if (!gdb_remote_registers(fd, &c->registers) ||
        !gdb_remote_monitor(fd, "info registers", &c->state) || !read_ranges(c, fd))
        return "QEMU did not tell registers and page tables";
    add_thread(c, c->report, true);
    add_fpu(c);
    add_other_threads(c);
    add_process(c);
    add_auxv(c);
    add_files(c);
    FILE *out = fopen(path, "we");
    if (!out)
        return "the file cannot be written";
    write_headers(c, out);
    bool good = write_memory(c, fd, out);
    good = !ferror(out) && good;
    if (fclose(out) == 0 && good)
        return NULL;
    file_give_up(path);
    return "memory could not be read, or the file not be written";
}

bool core_write(const struct core_source *source, const char *path, const char **reason)
{
    struct core c = {.source = source,
                     .report = {source->json, source->json + strlen(source->json)}};
    int fd = socket_connect(source->socket_path);
    *reason = fd < 0 ? "QEMU does not listen any more" : write_file(&c, fd, path);
    if (fd >= 0)
        close(fd);
    for (size_t i = 0; i < c.module_count; i++)
        if (c.module[i].header)
            munmap((void *)(uintptr_t)c.module[i].header, c.module[i].size);
    free(c.module);
    free(c.range);
    text_free(&c.registers);
    text_free(&c.state);
    text_free(&c.notes);
    return *reason == NULL;
}
