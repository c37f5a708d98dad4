/* SPDX-License-Identifier: MIT */
/* A linear search for `syscall` instructions; no disassembly, no control flow. */
#include "image/scan.h"
#include "base/compiler.h"

#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOK_BACK 40 /* most bytes from the load of eax to the `syscall` */

const struct scan_row scan_rows[] = {
#include "scan_rows.inc"
};
const size_t scan_row_count = ARRAY_LENGTH(scan_rows);

/* The constant of the nearest load of eax before `end`; -1: none. */
static int64_t number_before(const uint8_t *start, const uint8_t *end)
{
    for (const uint8_t *at = end - 2; at >= start && at >= end - LOOK_BACK; at--) {
        if ((at[0] == 0x31 || at[0] == 0x33) && at[1] == 0xc0) /* xor %eax, %eax */
            return 0;
        uint32_t number;
        const uint8_t *value = at[0] == 0xb8 ? at + 1 : NULL; /* mov $n, %eax */
        if (end - at >= 7 && at[0] == 0x48 && at[1] == 0xc7 && at[2] == 0xc0)
            value = at + 3; /* mov $n, %rax */
        if (!value || end - value < 4)
            continue;
        memcpy(&number, value, sizeof(number));
        if (number < SCAN_CALLS)
            return number;
    }
    return -1;
}

void scan_code(const uint8_t *code, size_t size, struct scan *out)
{
    for (size_t i = 0; i + 1 < size; i++) {
        if (code[i] != 0x0f || code[i + 1] != 0x05)
            continue;
        int64_t number = number_before(code, code + i);
        out->sites++;
        if (number < 0)
            out->unknown++;
        else
            out->direct[number] = true;
    }
}

/* Functions of libc that open sockets. */
static const char *const resolvers[] = {"getaddrinfo",     "gethostbyname", "gethostbyname2",
                                        "gethostbyname_r", "gethostbyaddr", "getnameinfo",
                                        "res_query",       "res_search",    "__res_search"};

static void add_import(void *context, const char *name)
{
    struct scan *out = context;
    for (size_t i = 0; i < sizeof(resolvers) / sizeof(*resolvers); i++)
        out->imported[SYS_socket] |= strcmp(resolvers[i], name) == 0;
    for (size_t i = 0; i < scan_row_count; i++)
        if (strcmp(scan_rows[i].name, name) == 0 && scan_rows[i].number < SCAN_CALLS)
            out->imported[scan_rows[i].number] = true;
}

static void scan_imports(Elf *elf, void (*import)(void *context, const char *name), void *context)
{
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    GElf_Sym symbol;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNSYM)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
            const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
            if (symbol.st_shndx == SHN_UNDEF && name)
                import(context, name);
        }
    }
}

bool scan_is_libc(const char *path)
{
    static const char *const names[] = {"libc.so", "libc-", "ld-linux", "ld-musl", "libpthread.so"};
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strncmp(base, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

void scan_file(const char *file, bool libc, struct scan *out)
{
    GElf_Phdr header;
    size_t count;
    elf_version(EV_CURRENT);
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
    if (elf && elf_kind(elf) == ELF_K_ELF && elf_getphdrnum(elf, &count) == 0) {
        scan_imports(elf, add_import, out);
        for (size_t i = 0; !libc && i < count; i++) {
            if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_LOAD ||
                !(header.p_flags & PF_X) || header.p_filesz == 0)
                continue;
            const Elf_Data *code =
                elf_getdata_rawchunk(elf, (int64_t)header.p_offset, header.p_filesz, ELF_T_BYTE);
            if (code)
                scan_code(code->d_buf, code->d_size, out);
        }
    }
    if (elf)
        elf_end(elf);
    if (fd >= 0)
        close(fd);
}

void scan_import_names(const char *file, void (*import)(void *context, const char *name),
                       void *context)
{
    elf_version(EV_CURRENT);
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
    if (elf && elf_kind(elf) == ELF_K_ELF)
        scan_imports(elf, import, context);
    if (elf)
        elf_end(elf);
    if (fd >= 0)
        close(fd);
}
