/* SPDX-License-Identifier: MIT */
/*
 * Physical and virtual addresses, as distinct types.
 *
 * Page-table entries hold physical addresses; the kernel runs on virtual ones. With recursive
 * mapping no cast leads from one to the other: a frame can be read only where it is mapped. The
 * struct types turn a mix-up into a compile error and cost nothing (a one-word struct is passed in
 * a register).
 *
 * `void *` is an address that is mapped and readable now; `virt_t` is any virtual address. Only
 * virt_of() and ptr_of() convert between the two.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT  12
#define PAGE_SIZE   UINT64_C(4096)
#define PAGE_MASK   (PAGE_SIZE - 1)
#define LARGE_SHIFT 21
#define LARGE_SIZE  (UINT64_C(1) << LARGE_SHIFT)
#define HUGE_SHIFT  30
#define HUGE_SIZE   (UINT64_C(1) << HUGE_SHIFT)

typedef struct {
    uint64_t v; /* byte address on the bus */
} phys_t;

typedef struct {
    uint64_t v; /* byte address of the program or the kernel; mapped or not */
} virt_t;

/* Half-open: [start, end). Empty when start == end. */
struct phys_range {
    phys_t start, end;
};

struct virt_range {
    virt_t start, end;
};

static inline phys_t phys(uint64_t v)
{
    return (phys_t){v};
}

static inline virt_t virt(uint64_t v)
{
    return (virt_t){v};
}

static inline virt_t virt_of(const void *p)
{
    return (virt_t){(uint64_t)(uintptr_t)p};
}

static inline void *ptr_of(virt_t v)
{
    return (void *)(uintptr_t)v.v;
}

static inline uint64_t align_down(uint64_t v, uint64_t to)
{
    return v & ~(to - 1);
}

/* v + to - 1 must not overflow. */
static inline uint64_t align_up(uint64_t v, uint64_t to)
{
    return (v + to - 1) & ~(to - 1);
}

static inline bool is_aligned(uint64_t v, uint64_t to)
{
    return (v & (to - 1)) == 0;
}

static inline struct virt_range virt_range(uint64_t start, uint64_t end)
{
    return (struct virt_range){{start}, {end}};
}

static inline struct phys_range phys_range(uint64_t start, uint64_t end)
{
    return (struct phys_range){{start}, {end}};
}

static inline uint64_t virt_range_size(struct virt_range r)
{
    return r.end.v - r.start.v;
}

static inline uint64_t phys_range_size(struct phys_range r)
{
    return r.end.v - r.start.v;
}

static inline bool virt_range_contains(struct virt_range r, virt_t v)
{
    return v.v >= r.start.v && v.v < r.end.v;
}

static inline bool virt_range_overlaps(struct virt_range a, struct virt_range b)
{
    return a.start.v < b.end.v && b.start.v < a.end.v;
}

/* The two ranges must overlap. */
static inline struct virt_range virt_range_intersection(struct virt_range a, struct virt_range b)
{
    return virt_range(a.start.v > b.start.v ? a.start.v : b.start.v,
                      a.end.v < b.end.v ? a.end.v : b.end.v);
}
