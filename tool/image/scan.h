/* SPDX-License-Identifier: MIT */
/*
 * Which system calls an ELF file contains, without running it: the sites in its code where the
 * number is loaded into eax shortly before a `syscall`, and the functions it imports that are named
 * as a call is. Neither is proof: a number may come from elsewhere, and what is there may never
 * run. Bytes that look like the instruction inside of another one are taken for it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_CALLS 512

struct scan {
    bool direct[SCAN_CALLS];   /* by number: loaded before a `syscall` */
    bool imported[SCAN_CALLS]; /* by number: a libc's function of that name is imported */
    unsigned sites, unknown;   /* `syscall` instructions; those whose number could not be told */
};

struct scan_row {
    uint16_t number;
    const char *name;
    bool present;
};

extern const struct scan_row scan_rows[]; /* the kernel's table, made when the tool is built */
extern const size_t scan_row_count;

/* Adds what one piece of code holds. Pure. */
void scan_code(const uint8_t *code, size_t size, struct scan *out);
/* Adds what the file imports, and the code of its executable segments unless it is a libc, which has
 * a site for every call there is. A file that is no ELF file adds nothing. */
void scan_file(const char *file, bool libc, struct scan *out);
