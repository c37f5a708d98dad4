/* SPDX-License-Identifier: MIT */
/*
 * The memory of a program, made by exec() or fork(), and its layout. Each process has one; a vfork() child
 * shares its parent's until it calls execve().
 *
 *   process 1 (sh)   ---------> program ---> first_space
 *   process 7 (sh)   --------/  ^
 *                               | copied
 *   process 8 (sh)   ---------> program ---> a space of its own, by fork()
 *   process 9 (sort) ---------> program ---> a space of its own, by execve() after vfork()
 *
 * The areas of a program point to it as their owner, and are removed when the last process that uses it ends or executes
 * another; with the last program its space goes, except the first, which kernel threads run in. While exec() replaces a
 * program there are two in one space.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "linux/task/image.h"
#include "mm/space.h"

#include <stdbool.h>
#include <stdint.h>

/* Where a program's parts are: in the order of struct prctl_mm_map. Only `brk` has a meaning for the kernel; the rest is
 * what /proc shows, and what prctl(PR_SET_MM) may change. */
struct program_layout {
    struct virt_range code, data; /* of the ELF file */
    virt_t brk_start, brk;        /* the heap */
    virt_t stack;                 /* the first rsp */
    struct virt_range arguments,
        environment; /* the strings on the stack: /proc/self/cmdline, environ */
};

struct program {
    uint32_t users; /* processes that share it */
    struct address_space *space;
    struct area_owner areas; /* the owner of its areas, and what they hold */
    struct program_layout layout;
    uint32_t future_lock;                /* mlockall(MCL_FUTURE): flags of new areas */
    bool dumpable;                       /* PR_SET_DUMPABLE */
    uint32_t barriers;                   /* commands that membarrier(2) has registered */
    struct exec_image file, interpreter; /* held open, which denies writes to the files */
    virt_t image;                        /* start of the ELF file's first page */
    uint64_t auxv[64];                   /* pairs up to AT_NULL: /proc/self/auxv */
    uint32_t auxv_words;
};

/* The program of process 1 before its first exec(). */
extern struct program program_none;

/* A program without areas, for one process, in the space; NULL: no memory. O(1). */
struct program *program_new(struct address_space *space);
/* The same in a new space. O(1). */
struct program *program_new_space(void);
/* A copy of the calling thread's program in a new space, for fork(): gives way meanwhile, so other threads of the program may
 * run. E_NOMEM, also if hardly a frame would be left. O(areas + pages mapped in private areas). */
MUST_CHECK enum err program_fork(struct program **out);
/* Drops a process's use of the program; the last one frees its memory, and gives way while it
 * does. O(areas + pages). Callers: threads, which no longer have a pointer to it. */
void program_put(struct program *program);
/* True if this is the only program in its space, used by one process. */
static inline bool program_is_alone(const struct program *program)
{
    return program->users == 1 && program->space->programs == 1;
}
