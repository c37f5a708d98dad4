/* SPDX-License-Identifier: MIT */
/*
 * The initial stack of a program (System V ABI, x86-64 supplement, 3.4.1), in Linux's order:
 *
 *   top   8 zero bytes
 *         execfn, then environment strings, then argument strings (argv[0] lowest)
 *         a gap of random size
 *         "x86_64", 16 random bytes
 *         auxiliary vector: pairs up to AT_NULL
 *         envp[0] ... NULL
 *         argv[0] ... NULL
 *   rsp   argc                                                      rsp % 16 == 0
 *
 * Pure but for stack_give_way(): the image is built in a buffer; the caller copies it to the program's memory.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum auxv_type { /* linux/auxvec.h */
    AT_NULL = 0,
    AT_PHDR = 3,
    AT_PHENT = 4,
    AT_PHNUM = 5,
    AT_PAGESZ = 6,
    AT_BASE = 7,
    AT_FLAGS = 8,
    AT_ENTRY = 9,
    AT_UID = 11,
    AT_EUID = 12,
    AT_GID = 13,
    AT_EGID = 14,
    AT_PLATFORM = 15,
    AT_HWCAP = 16,
    AT_CLKTCK = 17,
    AT_SECURE = 23,
    AT_RANDOM = 25,
    AT_HWCAP2 = 26,
    AT_EXECFN = 31,
    AT_SYSINFO_EHDR = 33,
    AT_MINSIGSTKSZ = 51,
    AT_OURO_PAGETABLES = 0x4f55524f, /* "OURO": the program window, or 0 */
};

struct auxv_entry {
    uint64_t type, value;
};

#define STACK_STRING_MAX 131072 /* of one argument, with its NUL (MAX_ARG_STRLEN) */
#define STACK_AUXV_MAX   24

struct stack_plan {
    uint64_t top; /* end of the image, exclusive; page-aligned */
    const char *execfn;
    const char *const *argv, *const *envp; /* NULL-terminated */
    uint64_t gap;                          /* bytes, below 8 KiB; a multiple of 16 */
    uint8_t random[16];                    /* AT_RANDOM */
    /* Without AT_NULL; the values of AT_RANDOM, AT_EXECFN and AT_PLATFORM are filled in. */
    struct auxv_entry auxv[STACK_AUXV_MAX];
    size_t auxv_count;
    /* From stack_measure(): bytes from the lowest string to the top; numbers of arguments and of environment
     * strings. */
    uint64_t strings, argc, envc;
};

struct stack_layout { /* addresses in the program */
    uint64_t rsp;
    struct virt_range arguments, environment; /* ranges of the strings */
    uint64_t auxv;                            /* first pair */
};

/* Measures execfn, argv and envp. E_2BIG if a string exceeds STACK_STRING_MAX, or the whole `limit`.
 * O(bytes); gives way. */
MUST_CHECK enum err stack_measure(struct stack_plan *plan, uint64_t limit);
/* Bytes from rsp to top, of a measured plan that has its gap and all of its auxv. */
uint64_t stack_size(const struct stack_plan *plan);
/* Builds the image for the addresses [top - stack_size(), top) in `image`. Fills in the addresses in
 * plan->auxv. O(bytes); gives way. */
void stack_build(struct stack_plan *plan, uint8_t *image, struct stack_layout *out);

/* The preemption point between two strings. Defined in linux/exec/sys_exec.c. */
void stack_give_way(void);
