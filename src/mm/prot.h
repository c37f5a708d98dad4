/* SPDX-License-Identifier: MIT */
/*
 * Permissions and memory type of a mapping, independent of the architecture. Only constructors make
 * them; the default is the least, and no constructor makes writable-and-executable. The exception,
 * for a Linux program's mprotect(RWX), is prot_rwx_exception(), which its one caller counts and
 * logs (linux/memory/sys_mem.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    PROT_BIT_READ = 1,
    PROT_BIT_WRITE = 2,
    PROT_BIT_EXECUTE = 4,
    PROT_BIT_UNCACHED = 8,   /* device memory: PAT entry 3, UC */
    PROT_BIT_COPY = 16,      /* shared frame: copied before the first write, even if WRITE is set */
    PROT_BIT_COMBINING = 32, /* write-combining: PAT entry 1 */
    PROT_BIT_FORKED = 64,    /* with COPY: the frame is private memory, which fork() has shared */
};

typedef struct {
    uint8_t bits; /* PROT_BIT_* */
} prot_t;

static inline prot_t prot_none(void)
{
    return (prot_t){0};
}

static inline prot_t prot_ro(void)
{
    return (prot_t){PROT_BIT_READ};
}

static inline prot_t prot_rw(void)
{
    return (prot_t){PROT_BIT_READ | PROT_BIT_WRITE};
}

static inline prot_t prot_rx(void)
{
    return (prot_t){PROT_BIT_READ | PROT_BIT_EXECUTE};
}

/* x86 cannot deny reads, so these permit them too. /proc/self/maps shows the difference. */
static inline prot_t prot_write_only(void)
{
    return (prot_t){PROT_BIT_WRITE};
}

static inline prot_t prot_execute_only(void)
{
    return (prot_t){PROT_BIT_EXECUTE};
}

static inline prot_t prot_device(void)
{
    return (prot_t){PROT_BIT_READ | PROT_BIT_WRITE | PROT_BIT_UNCACHED};
}

/* Write-combining: stores may be combined and delayed. For a framebuffer. */
static inline prot_t prot_write_combining(void)
{
    return (prot_t){PROT_BIT_READ | PROT_BIT_WRITE | PROT_BIT_COMBINING};
}

static inline prot_t prot_rwx_exception(void)
{
    return (prot_t){PROT_BIT_READ | PROT_BIT_WRITE | PROT_BIT_EXECUTE};
}

/* The rights `p` over a shared frame: read in place, copied before the first write. */
static inline prot_t prot_copy_on_write(prot_t p)
{
    return (prot_t){(uint8_t)(p.bits | PROT_BIT_COPY)};
}

/* As prot_copy_on_write(), for private memory that other address spaces have by fork(). */
static inline prot_t prot_forked(prot_t p)
{
    return (prot_t){(uint8_t)(p.bits | PROT_BIT_COPY | PROT_BIT_FORKED)};
}

static inline bool prot_can_read(prot_t p)
{
    return p.bits & PROT_BIT_READ;
}

static inline bool prot_can_write(prot_t p)
{
    return p.bits & PROT_BIT_WRITE;
}

static inline bool prot_can_execute(prot_t p)
{
    return p.bits & PROT_BIT_EXECUTE;
}

static inline bool prot_equal(prot_t a, prot_t b)
{
    return a.bits == b.bits;
}
