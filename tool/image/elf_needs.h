/* SPDX-License-Identifier: MIT */
/*
 * What a dynamic ELF file requires of ld.so (gABI chapter 5), read with libelf. The file is not
 * trusted: every offset and string is checked against its size.
 */
#pragma once

#include "host/text.h"

struct elf_needs {
    char *interpreter;  /* PT_INTERP; NULL: none */
    char *soname;       /* DT_SONAME; NULL: none */
    char *rpath;        /* DT_RPATH; NULL: none, or DT_RUNPATH overrides it */
    char *runpath;      /* DT_RUNPATH; NULL: none */
    bool no_default;    /* DF_1_NODEFLIB: neither the cache nor the default folders */
    struct args needed; /* DT_NEEDED, in order */
};

enum elf_kind {
    ELF_NONE,    /* not an ELF file that an x86-64 process could load */
    ELF_STATIC,  /* loadable, without a dynamic section */
    ELF_DYNAMIC, /* *out is filled in */
    ELF_BROKEN,  /* loadable by its header, but an offset or string is outside the file */
};

/* Reads a host file. *out is always initialised, perhaps empty. A file that cannot be read is
 * ELF_NONE. */
enum elf_kind elf_needs_read(const char *file, struct elf_needs *out);
void elf_needs_free(struct elf_needs *needs);
