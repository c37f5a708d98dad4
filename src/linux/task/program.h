/* SPDX-License-Identifier: MIT */
/*
 * The memory of a program, made by exec(), and its layout. Each process has one; a vfork() child
 * shares its parent's until it calls execve().
 *
 *   process 1 (sh)   ---------> program: areas of owner 1
 *   process 7 (sh)   --------/
 *   process 8 (sort) ---------> program: areas of owner 2      beside the other, same page tables
 *
 * All programs share one address space. A relocatable program is placed where there is room; a
 * fixed one needs its own addresses free. A program's areas point to it as their owner, and are removed
 * when the last process that uses it ends or executes another.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "linux/task/image.h"
#include "mm/space.h"

#include <stdbool.h>
#include <stdint.h>

struct program {
    uint32_t users; /* processes that share it */
    struct address_space *space;
    struct area_owner areas;             /* the owner of its areas, and what they hold */
    virt_t brk_start, brk;               /* the heap */
    uint32_t future_lock;                /* mlockall(MCL_FUTURE): flags of new areas */
    bool dumpable;                       /* PR_SET_DUMPABLE */
    uint32_t barriers;                   /* commands that membarrier(2) has registered */
    struct exec_image file, interpreter; /* held open, which denies writes to the files */
    struct virt_range arguments,
        /* The strings on the stack: /proc/self/cmdline, environ. */
        environment;
    struct virt_range image; /* all segments */
    virt_t stack;            /* the first rsp */
    uint64_t auxv[64];       /* pairs up to AT_NULL: /proc/self/auxv */
    uint32_t auxv_words;
};

/* The program of process 1 before its first exec(). */
extern struct program program_none;

/* A program without areas, for one process; NULL: no memory. */
struct program *program_new(void);
/* Drops a process's use of the program; the last one frees its memory, and gives way while it
 * does. O(areas + pages). Callers: threads, which no longer have a pointer to it. */
void program_put(struct program *program);
/* True if this is the only program, used by one process. */
bool program_is_alone(const struct program *program);
