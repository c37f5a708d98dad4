/* SPDX-License-Identifier: MIT */
/*
 * Parser of ELF64 executables for x86-64 (System V ABI, gABI chapters 4 and 5). Kernel and tool
 * share it: the kernel can load each file that the tool accepts. Pure.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "parse/parse_fault.h"

#include <stdbool.h>
#include <stdint.h>

#define ELF64_SEGMENTS_MAX 64

struct elf64_segment {    /* one PT_LOAD; sorted by address, and no page belongs to two of them */
    uint64_t address;     /* virtual, before the load bias */
    uint64_t memory_size; /* bytes; never 0 */
    uint64_t offset;      /* in the file; if file_size > 0, congruent to address modulo PAGE_SIZE */
    uint64_t file_size;   /* bytes, at most memory_size; offset + file_size lies in the file */
    bool read, write, execute;
};

struct elf64_image {
    bool position_independent; /* ET_DYN: the loader chooses a bias and adds it to each address */
    uint64_t entry;            /* before the bias; lies in an executable segment */
    struct elf64_segment segments[ELF64_SEGMENTS_MAX];
    uint32_t segment_count; /* at least 1 */
    uint64_t start, end;    /* page-aligned span of all segments, before the bias */
    uint64_t alignment;     /* of the bias: a power of two, at least PAGE_SIZE */
    uint64_t phdr_address;  /* AT_PHDR, before the bias; 0: not loaded */
    uint16_t phdr_count;
    bool executable_stack;           /* PT_GNU_STACK asks for it */
    char interpreter[256];           /* "": statically linked */
    uint64_t relro_start, relro_end; /* PT_GNU_RELRO; 0: absent; informative */
};

/* Everything in *out is checked against `size`, the file's length, and against `address_limit`, the
 * end of the program's addresses. E_NOEXEC with *fault if Ouro cannot load the file; *out is
 * unspecified then (it is too large for a second copy on a kernel stack). */
MUST_CHECK enum err elf64_parse(const void *file, uint64_t size, uint64_t address_limit,
                                struct elf64_image *out, struct parse_fault *fault);
