/* SPDX-License-Identifier: MIT */
/* Reads PT_INTERP and PT_DYNAMIC with libelf; each offset is checked before it is used. */
#include "image/elf_needs.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct dynamic {
    Elf *elf;
    size_t headers;
    const Elf_Data *entries; /* PT_DYNAMIC */
    const Elf_Data *strings; /* DT_STRTAB, DT_STRSZ bytes; NULL: none */
};

/* Converts an address of the loaded image to an offset in the file. */
static bool file_offset(const struct dynamic *d, uint64_t address, uint64_t size, int64_t *out)
{
    GElf_Phdr header;
    for (size_t i = 0; i < d->headers; i++) {
        if (!gelf_getphdr(d->elf, (int)i, &header) || header.p_type != PT_LOAD ||
            address < header.p_vaddr || address - header.p_vaddr >= header.p_filesz)
            continue;
        uint64_t within = address - header.p_vaddr;
        if (size > header.p_filesz - within || header.p_offset > INT64_MAX - header.p_filesz)
            return false;
        *out = (int64_t)(header.p_offset + within);
        return true;
    }
    return false;
}

/* A copy of the NUL-terminated string at `index`; NULL if it is not terminated inside data. */
static char *string_at(const Elf_Data *data, uint64_t index)
{
    if (!data || index >= data->d_size)
        return NULL;
    const char *start = (const char *)data->d_buf + index;
    return memchr(start, '\0', data->d_size - index) ? string_copy(start) : NULL;
}

static uint64_t entry_value(const struct dynamic *d, int64_t tag)
{
    GElf_Dyn entry;
    for (int i = 0; gelf_getdyn((Elf_Data *)(uintptr_t)d->entries, i, &entry); i++) {
        if (entry.d_tag == DT_NULL)
            break;
        if (entry.d_tag == tag)
            return entry.d_un.d_val;
    }
    return 0;
}

/* A chunk of the file; NULL if it is not inside the file, which libelf checks. */
static const Elf_Data *chunk(const struct dynamic *d, int64_t offset, uint64_t size, Elf_Type type)
{
    return size > 0 ? elf_getdata_rawchunk(d->elf, offset, size, type) : NULL;
}

/* Stores the string of one dynamic entry; false if the string is invalid. */
static bool take_string(const struct dynamic *d, const GElf_Dyn *entry, struct elf_needs *out)
{
    char **place = entry->d_tag == DT_SONAME    ? &out->soname
                   : entry->d_tag == DT_RPATH   ? &out->rpath
                   : entry->d_tag == DT_RUNPATH ? &out->runpath
                                                : NULL;
    char *string = string_at(d->strings, entry->d_un.d_val);
    if (!string)
        return false;
    if (!place) {
        args_add(&out->needed, string);
        free(string);
        return true;
    }
    free(*place);
    *place = string;
    return true;
}

static enum elf_kind read_entries(struct dynamic *d, struct elf_needs *out)
{
    int64_t offset;
    uint64_t size = entry_value(d, DT_STRSZ);
    if (size > 0 && file_offset(d, entry_value(d, DT_STRTAB), size, &offset))
        d->strings = chunk(d, offset, size, ELF_T_BYTE);
    GElf_Dyn entry;
    for (int i = 0; gelf_getdyn((Elf_Data *)(uintptr_t)d->entries, i, &entry); i++) {
        if (entry.d_tag == DT_NULL)
            break;
        bool string = entry.d_tag == DT_NEEDED || entry.d_tag == DT_SONAME ||
                      entry.d_tag == DT_RPATH || entry.d_tag == DT_RUNPATH;
        if (string && !take_string(d, &entry, out))
            return ELF_BROKEN;
        if (entry.d_tag == DT_FLAGS_1)
            out->no_default = entry.d_un.d_val & DF_1_NODEFLIB;
    }
    if (out->runpath) { /* ld.so ignores DT_RPATH then */
        free(out->rpath);
        out->rpath = NULL;
    }
    return ELF_DYNAMIC;
}

static enum elf_kind read_headers(struct dynamic *d, struct elf_needs *out)
{
    GElf_Ehdr file;
    GElf_Phdr header;
    enum elf_kind kind = ELF_STATIC;
    if (elf_kind(d->elf) != ELF_K_ELF || !gelf_getehdr(d->elf, &file) ||
        file.e_ident[EI_CLASS] != ELFCLASS64 || file.e_ident[EI_DATA] != ELFDATA2LSB ||
        file.e_machine != EM_X86_64 || (file.e_type != ET_EXEC && file.e_type != ET_DYN))
        return ELF_NONE;
    if (elf_getphdrnum(d->elf, &d->headers) != 0)
        return ELF_BROKEN;
    for (size_t i = 0; i < d->headers; i++) {
        if (!gelf_getphdr(d->elf, (int)i, &header))
            return ELF_BROKEN;
        if (header.p_type == PT_INTERP && !out->interpreter) {
            out->interpreter =
                string_at(chunk(d, (int64_t)header.p_offset, header.p_filesz, ELF_T_BYTE), 0);
            if (!out->interpreter)
                return ELF_BROKEN;
        }
        if (header.p_type != PT_DYNAMIC || d->entries)
            continue;
        d->entries = chunk(d, (int64_t)header.p_offset, header.p_filesz, ELF_T_DYN);
        if (!d->entries)
            return ELF_BROKEN;
        kind = ELF_DYNAMIC;
    }
    return kind == ELF_DYNAMIC ? read_entries(d, out) : kind;
}

enum elf_kind elf_needs_read(const char *file, struct elf_needs *out)
{
    struct dynamic d = {0};
    enum elf_kind kind = ELF_NONE;
    *out = (struct elf_needs){0};
    elf_version(EV_CURRENT);
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return ELF_NONE;
    d.elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    if (d.elf) {
        kind = read_headers(&d, out);
        elf_end(d.elf);
    }
    close(fd);
    return kind;
}

void elf_needs_free(struct elf_needs *needs)
{
    free(needs->interpreter);
    free(needs->soname);
    free(needs->rpath);
    free(needs->runpath);
    args_free(&needs->needed);
    *needs = (struct elf_needs){0};
}
