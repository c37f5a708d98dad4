/* SPDX-License-Identifier: MIT */
#include "fault_program.h"

#include <elf.h>
#include <string.h>

#define SYMBOLS  0x2100
#define STRINGS  0x2200
#define SECTIONS 0x2300

uint8_t program_file[0x2600];

static const char strings[] =
    "\0main\0helper\0limits\0counter\0buffer\0.text\0.rodata\0.data\0.bss";

static uint32_t string(const char *s)
{
    for (size_t i = 1; i < sizeof strings; i += strlen(strings + i) + 1)
        if (strcmp(strings + i, s) == 0)
            return (uint32_t)i;
    return 0;
}

static void make_segments(void)
{
    const Elf64_Phdr segments[] = {
        {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = 0x1000, .p_memsz = 0x1000},
        {.p_type = PT_LOAD,
         .p_flags = PF_R,
         .p_offset = 0x1000,
         .p_vaddr = 0x1000,
         .p_filesz = 0x1000,
         .p_memsz = 0x1000},
        {.p_type = PT_LOAD,
         .p_flags = PF_R | PF_W,
         .p_offset = 0x2000,
         .p_vaddr = 0x2000,
         .p_filesz = PROGRAM_FILE_END - 0x2000,
         .p_memsz = 0x1f00},
    };
    memcpy(program_file + sizeof(Elf64_Ehdr), segments, sizeof segments);
}

static void make_sections(void)
{
    const Elf64_Shdr sections[] = {
        {.sh_type = SHT_NULL},
        {.sh_name = string(".text"),
         .sh_type = SHT_PROGBITS,
         .sh_flags = SHF_ALLOC,
         .sh_addr = PROGRAM_MAIN,
         .sh_size = 0x400},
        {.sh_name = string(".rodata"),
         .sh_type = SHT_PROGBITS,
         .sh_flags = SHF_ALLOC,
         .sh_addr = PROGRAM_LIMITS,
         .sh_size = 0x100},
        {.sh_name = string(".data"),
         .sh_type = SHT_PROGBITS,
         .sh_flags = SHF_ALLOC,
         .sh_addr = 0x2000,
         .sh_size = 0x100},
        {.sh_name = string(".bss"),
         .sh_type = SHT_NOBITS,
         .sh_flags = SHF_ALLOC,
         .sh_addr = PROGRAM_FILE_END,
         .sh_size = 0x1e00},
        {.sh_type = SHT_SYMTAB,
         .sh_offset = SYMBOLS,
         .sh_size = 6 * sizeof(Elf64_Sym),
         .sh_link = 6},
        {.sh_type = SHT_STRTAB, .sh_offset = STRINGS, .sh_size = sizeof strings},
    };
    memcpy(program_file + SECTIONS, sections, sizeof sections);
}

static void make_symbols(void)
{
    const unsigned function = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    const unsigned object = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
    const Elf64_Sym symbols[] = {
        {0},
        {string("main"), (unsigned char)function, 0, 1, PROGRAM_MAIN, 0x40},
        {string("helper"), (unsigned char)function, 0, 1, PROGRAM_HELPER, 0x20},
        {string("limits"), (unsigned char)object, 0, 2, PROGRAM_LIMITS, 0x40},
        {string("counter"), (unsigned char)object, 0, 3, PROGRAM_COUNTER, 4},
        {string("buffer"), (unsigned char)object, 0, 4, PROGRAM_BUFFER, 0x1000},
    };
    memcpy(program_file + SYMBOLS, symbols, sizeof symbols);
    memcpy(program_file + STRINGS, strings, sizeof strings);
}

void program_make(void)
{
    const Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_DYN,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = PROGRAM_MAIN,
        .e_phoff = sizeof header,
        .e_shoff = SECTIONS,
        .e_ehsize = sizeof header,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 3,
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = 7,
        .e_shstrndx = 6,
    };
    memset(program_file, 0, sizeof program_file);
    memcpy(program_file, &header, sizeof header);
    make_segments();
    make_sections();
    make_symbols();
    memset(program_file + PROGRAM_MAIN, 0x90, 0x400);                  /* nop */
    memcpy(program_file + PROGRAM_MAIN + 0x10, "\x48\x89\x43\x18", 4); /* mov %rax,0x18(%rbx) */
    memcpy(program_file + PROGRAM_HELPER + 0x8, "\xe8\xb3\xff\xff\xff", 5); /* call main */
    memcpy(program_file + PROGRAM_LIMITS, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
    memcpy(program_file + PROGRAM_COUNTER, "\x07\0\0\0", 4);
}
