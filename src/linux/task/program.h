/* SPDX-License-Identifier: MIT */
/*
 * What exec() made: the memory of a program and where it lies. A process has one; after vfork() a
 * child has its parent's, until it runs a program of its own.
 *
 *   process 1 (sh)   ---------> program: areas of owner 1
 *   process 7 (sh)   --------/
 *   process 8 (sort) ---------> program: areas of owner 2      beside the other, same page tables
 *
 * All programs share the one address space. A program that can be moved is put where there is room;
 * one that cannot must find its addresses free. Its areas carry its number, and go when the last
 * process that has it ends or runs another.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "linux/task/image.h"

#include <stdbool.h>
#include <stdint.h>

struct address_space;

struct program {
    uint32_t users; /* processes that have it */
    struct address_space *space;
    uint32_t owner;                      /* of its areas in it */
    virt_t brk_start, brk;               /* the heap */
    uint32_t future_lock;                /* what mlockall(MCL_FUTURE) makes of new areas */
    struct exec_image file, interpreter; /* open: keep writers away */
    struct virt_range arguments,
        environment;         /* its strings on the stack: /proc/self/cmdline, environ */
    struct virt_range image; /* all segments */
    virt_t stack;            /* the first rsp */
    uint64_t auxv[64];       /* pairs, ending with AT_NULL: /proc/self/auxv */
    uint32_t auxv_words;
};

/* What the boot's process has before its first exec(). */
extern struct program program_none;

/* Without any area, for one process; NULL: no memory. */
struct program *program_new(void);
/* A process has it no more; the last one takes its memory along. Callers: threads. */
void program_put(struct program *program);
/* Is there no other program, and no other process that has this one? */
bool program_is_alone(const struct program *program);
